// SPDX-License-Identifier: Apache-2.0
#include "cli/input_user.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/ask_child.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/caller.h"
#include "client/config/kubeconfig.h"
#include "client/config/resolve.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMostOwners = 8;
// An owner needs no group to read what is its own; that of root would open others' files.
constexpr gid_t kNobodysGroup = 65534;

// A child's exit status.
constexpr int kReadable = 0;
constexpr int kDenied = 1;
constexpr int kNoAnswer = 2;

Status MayRead(const std::string& path) {
  struct stat st = {};
  if (path.empty() || path == "-" || IsDescriptor(path)) return {};
  if (stat(path.c_str(), &st) != 0) return Fail(ErrnoError(errno, path));
  if (!S_ISREG(st.st_mode)) return {};  // to open a FIFO would tell its writer
  const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return Fail(ErrnoError(errno, path));
  return {};
}

Status MayLog(const std::string& path) {
  if (path.empty() || faccessat(AT_FDCWD, path.c_str(), W_OK, AT_EACCESS) == 0) return {};
  const int why = errno;
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (why == ENOENT && faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  return Fail(ErrnoError(why == ENOENT ? errno : why, "--log-file " + path));
}

// The files from which a server is found.
std::vector<std::string> ServerPaths(const SourceOptions& source) {
  const client::ServerFlags& server = source.server;
  std::vector<std::string> paths = {server.kubeconfig, server.token_file, server.ca_file};
  if (!server.kubeconfig.empty() || !server.server.empty()) return paths;
  const char* const list = std::getenv("KUBECONFIG");  // NOLINT(concurrency-mt-unsafe)
  const char* const home = std::getenv("HOME");        // NOLINT(concurrency-mt-unsafe)
  for (std::string& path : client::SplitKubeconfigList(list != nullptr ? list : "")) {
    paths.push_back(std::move(path));
  }
  if (home != nullptr) paths.push_back(std::string(home) + "/.kube/config");
  return paths;
}

// Those that another user may open for the daemon.
std::vector<std::string> FilesOf(const MountOptions& options) {
  return {options.source.pod_file, options.source.node_file, options.what.items_file};
}

// The rest of what the daemon opens at its start, with what a kubeconfig names.
Status MayUseTheRest(const MountOptions& options) {
  const SourceOptions& source = options.source;
  const std::vector<std::string> paths = ServerPaths(source);
  // The daemon could not read it again from a pipe.
  if (source.pod_file.empty() && std::none_of(paths.begin(), paths.end(), IsDescriptor)) {
    const auto config = client::ResolveClusterConfig(source.server);
    if (!config) return Fail(config.error());
  }
  return MayLog(options.log.file);
}

bool IsDenied(const Status& done) {
  return !done && done.error().code == ErrorCode::kPermissionDenied;
}

void AddOwner(const std::string& path, std::vector<RunAs>& owners) {
  struct stat st = {};
  if (stat(path.c_str(), &st) != 0 || st.st_uid == 0 || owners.size() >= kMostOwners) return;
  const bool known = std::any_of(owners.begin(), owners.end(),
                                 [&](const RunAs& owner) { return owner.uid == st.st_uid; });
  if (!known) owners.push_back({st.st_uid, st.st_gid != 0 ? st.st_gid : kNobodysGroup});
}

// Of the file and of the directories on the way to it: with all of root's rights.
void AddOwnersOn(const std::string& path, std::vector<RunAs>& owners) {
  if (path.empty() || path == "-" || IsDescriptor(path)) return;
  std::error_code error;
  const auto real = std::filesystem::weakly_canonical(path, error);
  if (error) return;
  std::filesystem::path way;
  for (const auto& element : real) AddOwner((way /= element).string(), owners);
}

// Of all inputs.
std::vector<RunAs> OwnersOf(const MountOptions& options) {
  std::vector<std::string> paths = InputPaths(options);
  if (options.source.pod_file.empty()) {
    for (std::string& path : ServerPaths(options.source)) paths.push_back(std::move(path));
  }
  std::vector<RunAs> owners;
  for (const std::string& path : paths) AddOwnersOn(path, owners);
  return owners;
}

std::vector<RunAs> OwnersOn(const std::string& path) {
  std::vector<RunAs> owners;
  AddOwnersOn(path, owners);
  return owners;
}

std::string IdsOf(const RunAs& who) {
  return Concat({std::to_string(who.uid), ":", std::to_string(who.gid)});
}

// Asks a child in the daemon's mount namespace.
Result<ChildAnswer> AskThere(const OwnedFd& mount_namespace,
                             const std::function<int(int out)>& body) {
  return AskChild([&](int out) {
    if (mount_namespace && setns(mount_namespace.get(), CLONE_NEWNS) != 0) return kNoAnswer;
    return body(out);
  });
}

// Tries as this user, without a capability. kReadable: the user may do all but open the files whose
// numbers are written to `out`. kDenied: the user may not do something else; `out` has the error.
int Try(const MountOptions& options, const std::optional<RunAs>& who, int out) {
  if (who && !BecomeUser(*who)) return kNoAnswer;
  if (!DropAllCapabilities()) return kNoAnswer;
  if (const Status done = MayUseTheRest(options); IsDenied(done)) {
    static_cast<void>(WriteAll(out, done.error().message, "pipe"));
    return kDenied;
  }
  const auto files = FilesOf(options);
  std::string denied;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (IsDenied(MayRead(files[i]))) denied += static_cast<char>('0' + i);
  }
  return WriteAll(out, denied, "pipe") ? kReadable : kNoAnswer;
}

// The last owner on the way to a file, but for root: whoever owns a directory on it decides about
// the rest of the way.
std::optional<RunAs> KeeperOn(const std::string& path) {
  struct stat st = {};
  if (stat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode)) return std::nullopt;
  const auto owners = OwnersOn(path);
  return owners.empty() ? std::nullopt : std::optional(owners.back());
}

// Those of the server's files: such a user decides which server is asked, with which token, or what
// program is run for one.
std::vector<RunAs> KeepersOfServer(const MountOptions& options) {
  std::vector<RunAs> keepers;
  for (const std::string& path : ServerPaths(options.source)) {
    if (const auto keeper = KeeperOn(path)) keepers.push_back(*keeper);
  }
  return keepers;
}

// Users, found in the daemon's mount namespace.
Result<std::vector<RunAs>> AskForUsers(const OwnedFd& ns,
                                       const std::function<std::vector<RunAs>()>& find) {
  const auto answer = AskThere(ns, [&find](int out) {
    std::string text;
    for (const RunAs& user : find()) text += IdsOf(user) + "\n";
    return WriteAll(out, text, "pipe") ? kReadable : kNoAnswer;
  });
  if (!answer) return Fail(answer.error());
  std::vector<RunAs> owners;
  const char* at = answer->text.c_str();
  RunAs owner;
  for (int n = 0; std::sscanf(at, "%u:%u\n%n", &owner.uid, &owner.gid, &n) == 2; at += n) {
    owners.push_back(owner);
  }
  return owners;
}

// Finds who reads what. Each question is asked in a child.
class Assignment {
 public:
  Assignment(const MountOptions& options, const OwnedFd& ns)
      : options_(options), ns_(ns), files_(FilesOf(options)) {}

  Result<InputUsers> Find() {
    const auto root = Ask(std::nullopt);
    if (!root) return Fail(root.error());
    // An input that is wrong in another way is the daemon's to report.
    if (root->exit_status != kDenied && root->exit_status != kReadable) return InputUsers();
    auto keeper = ForKeeperOfServer();
    if (!keeper) return Fail(keeper.error());
    if (*keeper) return std::move(**keeper);
    if (IsEnough(*root)) return ForRoot();
    if (auto found = FindOwners(); !found) return Fail(std::move(found.error()));
    std::vector<ChildAnswer> answers = {*root};
    for (const RunAs& owner : *owners_) {
      auto answer = Ask(owner);
      if (!answer) return Fail(answer.error());
      if (IsEnough(*answer)) return InputUsers{owner, {}};
      answers.push_back(std::move(*answer));
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (answers[i].exit_status != kReadable) continue;
      InputUsers users;
      if (i > 0) users.daemon = (*owners_)[i - 1];
      if (!AddOpeners(answers[i].text, users)) continue;
      if (i == 0) AddKeepersOfPaths(users);
      return users;
    }
    const std::string what = root->exit_status == kDenied
                                 ? root->text
                                 : files_[FileNumber(root->text[0])] + ": Permission denied";
    return Fail(ErrorCode::kPermissionDenied,
                what +
                    "; the daemon has no capability, and no owner of the inputs may read this: "
                    "make it readable for its owner (--run-as), or mount with --no-holder");
  }

 private:
  static std::size_t FileNumber(char digit) { return static_cast<std::size_t>(digit - '0'); }

  // The users to whom the inputs belong; looked for once.
  Status FindOwners() {
    if (owners_) return {};
    auto owners = AskForUsers(ns_, [this] { return OwnersOf(options_); });
    if (!owners) return Fail(owners.error());
    owners_ = std::move(*owners);
    return {};
  }

  // This user may do all.
  static bool IsEnough(const ChildAnswer& answer) {
    return answer.exit_status == kReadable && answer.text.empty();
  }

  Result<ChildAnswer> Ask(const std::optional<RunAs>& who) const {
    return AskThere(ns_, [&](int out) { return Try(options_, who, out); });
  }

  bool CanRead(const RunAs& who, const std::string& path) const {
    const auto answer = AskThere(ns_, [&](int) {
      if (!BecomeUser(who) || !DropAllCapabilities()) return kNoAnswer;
      return MayRead(path) ? kReadable : kDenied;
    });
    return answer && answer->exit_status == kReadable;
  }

  // The daemon is no more than the user whose kubeconfig it follows, if this user may do all:
  // otherwise a symlink in the place of a token sends a file of root's to the user's server, and a
  // credential plugin is a program of the user's that root runs.
  Result<std::optional<InputUsers>> ForKeeperOfServer() {
    if (!options_.source.pod_file.empty()) return std::nullopt;  // no server is asked
    const auto keepers = AskForUsers(ns_, [this] { return KeepersOfServer(options_); });
    if (!keepers) return Fail(keepers.error());
    if (keepers->empty()) return std::nullopt;
    if (auto found = FindOwners(); !found) return Fail(std::move(found.error()));
    for (const RunAs& keeper : *keepers) {
      const auto answer = Ask(keeper);
      if (!answer) return Fail(answer.error());
      InputUsers users = {keeper, {}};
      if (answer->exit_status == kReadable && AddOpeners(answer->text, users)) return users;
    }
    return std::nullopt;
  }

  // Root may read all.
  InputUsers ForRoot() const {
    InputUsers users;
    AddKeepersOfPaths(users);
    return users;
  }

  // As KeeperOn(), in the daemon's mount namespace.
  std::optional<RunAs> KeeperOf(const std::string& path) const {
    const auto answer = AskThere(ns_, [&](int out) {
      const auto keeper = KeeperOn(path);
      if (!keeper) return kNoAnswer;
      return WriteAll(out, IdsOf(*keeper), "pipe") ? kReadable : kNoAnswer;
    });
    return answer ? ParseRunAs(answer->text) : std::nullopt;
  }

  void AddKeepersOfPaths(InputUsers& users) const {
    for (const std::string& path : files_) {
      const auto has = [&](const InputUsers::Opened& one) { return one.path == path; };
      if (std::any_of(users.opened.begin(), users.opened.end(), has)) continue;
      const auto keeper = KeeperOf(path);
      if (keeper && CanRead(*keeper, path)) users.opened.push_back({path, *keeper});
    }
  }

  // For each of the files somebody who may read it; false if there is one that nobody may.
  bool AddOpeners(const std::string& denied, InputUsers& users) const {
    std::vector<RunAs> candidates = *owners_;
    candidates.push_back(RunAs());  // root without a capability, if the daemon is not root
    for (const char digit : denied) {
      const std::string& path = files_[FileNumber(digit)];
      const auto by = std::find_if(candidates.begin(), candidates.end(),
                                   [&](const RunAs& who) { return CanRead(who, path); });
      if (by == candidates.end()) return false;
      users.opened.push_back({path, *by, /*denied=*/true});
    }
    return true;
  }

  const MountOptions& options_;
  const OwnedFd& ns_;
  const std::vector<std::string> files_;
  std::optional<std::vector<RunAs>> owners_;
};

}  // namespace

Result<InputUsers> UsersOfInputs(const MountOptions& options, const OwnedFd& daemon_namespace) {
  return Assignment(options, daemon_namespace).Find();
}

}  // namespace downwardfs
