// SPDX-License-Identifier: Apache-2.0
#include "csi/publish_journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/log_keys.h"
#include "mount-helper/volume_place.h"

namespace downwardfs {
namespace {

constexpr int kFormat = 1;
constexpr std::string_view kSuffix = ".json";
// Nobody else names files so.
constexpr std::string_view kPartSuffix = ".downwardfs-part";
// How a record begins: a file that does and then ends is one that a power cut has torn.
constexpr std::string_view kBeginning = "{\n \"attributes\":";
constexpr std::size_t kLongestRecord = std::size_t{1} << 20;

// An id may have any byte but NUL; in a file name the others than these are %XX. 128 bytes of id
// fit into NAME_MAX only where few of them are: a longer name is cut, and told apart by a hash.
std::string FileName(const std::string& id) {
  constexpr std::size_t kRoom = 180;
  constexpr char kHex[] = "0123456789abcdef";
  std::string name;
  for (const unsigned char c : id) {
    if (std::isalnum(c) != 0 || c == '-' || c == '_') {
      name += static_cast<char>(c);
    } else {
      name += '%';
      name += kHex[c >> 4U];
      name += kHex[c & 15U];
    }
  }
  if (name.size() > kRoom) {
    std::uint64_t hash = 14695981039346656037ULL;  // FNV-1a
    for (const unsigned char c : id) hash = (hash ^ c) * 1099511628211ULL;
    name = name.substr(0, kRoom) + "%" + std::to_string(hash);
  }
  return name.append(kSuffix);
}

std::string Encode(const PublishSpec& spec) {
  nlohmann::json json = {
      {"format", kFormat},
      {"volumeId", spec.volume_id},
      {"targetPath", spec.target_path},
      {"podNamespace", spec.pod.ns},
      {"podName", spec.pod.name},
      {"podUid", spec.pod.uid},
      {"serviceAccount", spec.service_account},
      {"attributes", spec.attributes},
  };
  if (spec.fs_group) json["fsGroup"] = *spec.fs_group;
  if (spec.mounted_anew != 0) json["mountedAnew"] = spec.mounted_anew;
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Result<PublishSpec> Decode(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Fail(ErrorCode::kInvalidArgument, "is no record");
  try {
    if (json.at("format").get<int>() != kFormat) {
      return Fail(ErrorCode::kInvalidArgument, "of another format");
    }
    PublishSpec spec;
    spec.volume_id = json.at("volumeId").get<std::string>();
    spec.target_path = PlainPath(json.at("targetPath").get<std::string>());
    spec.pod =
        ObjectKey{"Pod", json.at("podNamespace").get<std::string>(),
                  json.at("podName").get<std::string>(), json.at("podUid").get<std::string>()};
    spec.service_account = json.at("serviceAccount").get<std::string>();
    spec.attributes = json.at("attributes").get<std::map<std::string, std::string>>();
    if (json.contains("fsGroup")) spec.fs_group = json["fsGroup"].get<std::uint32_t>();
    if (json.contains("mountedAnew")) spec.mounted_anew = json["mountedAnew"].get<std::int64_t>();
    if (auto done = ApplyAttributes(spec.attributes, spec); !done) {
      return Fail(std::move(done.error()));
    }
    return spec;
  } catch (const nlohmann::json::exception& error) {
    return Fail(ErrorCode::kInvalidArgument, error.what());
  }
}

bool IsTorn(const std::string& text) {
  return text.compare(0, kBeginning.size(), kBeginning) == 0 && !nlohmann::json::accept(text);
}

bool EndsWith(const std::string& name, std::string_view suffix) {
  return name.size() > suffix.size() &&
         name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// That nobody else can put there, or take away, what we believe.
Status CheckOwner(int directory, const std::string& what) {
  struct stat st = {};
  if (fstat(directory, &st) != 0) return Fail(ErrnoError(errno, what));
  if (st.st_uid != geteuid()) {
    return Fail(ErrorCode::kFailedPrecondition,
                what + ": belongs to user " + std::to_string(st.st_uid) + ", must belong to user " +
                    std::to_string(geteuid()) + ", who runs this");
  }
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Fail(ErrorCode::kFailedPrecondition,
                what + ": others may write there; it must be its owner's alone (mode 0700)");
  }
  return {};
}

}  // namespace

bool PublishJournal::Records::MayHave(const std::string& volume_id) const {
  return unreadable.count(FileName(volume_id)) != 0;
}

Result<PublishJournal> PublishJournal::Open(const std::string& directory_path) {
  const std::string path = PlainPath(directory_path);  // a slash at the end would follow a symlink
  const std::string what = "--state-dir " + path;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Fail(ErrnoError(errno, what));
  OwnedFd directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory) return Fail(ErrnoError(errno, what));
  if (auto good = CheckOwner(directory.get(), what); !good) return Fail(std::move(good.error()));
  if (faccessat(directory.get(), ".", W_OK, AT_EACCESS) != 0) return Fail(ErrnoError(errno, what));
  return PublishJournal(std::move(directory), path);
}

Status PublishJournal::Write(const PublishSpec& spec) const {
  const std::string name = FileName(spec.volume_id);
  const std::string part = name + std::string(kPartSuffix);
  const std::string where = path_ + "/" + name;
  {
    const OwnedFd file(openat(directory_.get(), part.c_str(),
                              O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!file) return Fail(ErrnoError(errno, where));
    if (auto done = WriteAll(file.get(), Encode(spec), where); !done) return done;
    const bool replaces = faccessat(directory_.get(), name.c_str(), F_OK, 0) == 0;
    if (replaces && fsync(file.get()) != 0) return Fail(ErrnoError(errno, where));
  }
  if (renameat(directory_.get(), part.c_str(), directory_.get(), name.c_str()) != 0) {
    return Fail(ErrnoError(errno, where));
  }
  return {};
}

Status PublishJournal::Remove(const std::string& volume_id) const {
  const std::string name = FileName(volume_id);
  if (unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return Fail(ErrnoError(errno, path_ + "/" + name));
  }
  return {};
}

Result<std::string> PublishJournal::ReadText(const std::string& name) const {
  // Anything may lie there: a FIFO is not waited for.
  const OwnedFd file(openat(directory_.get(), name.c_str(),
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) return Fail(ErrnoError(errno, name));
  struct stat st = {};
  if (fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) {
    return Fail(ErrorCode::kInvalidArgument, "is no file");
  }
  return ReadAll(file.get(), name, kLongestRecord);
}

Result<PublishJournal::Records> PublishJournal::Read() const {
  const auto close_directory = [](DIR* directory) { closedir(directory); };
  const int copy = openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, decltype(close_directory)> directory(
      copy < 0 ? nullptr : fdopendir(copy), close_directory);
  if (!directory) return Fail(ErrnoError(errno, path_));
  Records records;
  for (;;) {
    errno = 0;
    const dirent* const entry = readdir(directory.get());  // NOLINT(concurrency-mt-unsafe)
    if (entry == nullptr) {
      if (errno != 0) return Fail(ErrnoError(errno, path_));
      return records;
    }
    const std::string name = entry->d_name;
    const bool part = EndsWith(name, kPartSuffix);
    if (part || !EndsWith(name, kSuffix)) {
      if (part) unlinkat(directory_.get(), name.c_str(), 0);
      continue;
    }
    const std::string path = path_ + "/" + name;
    auto text = ReadText(name);
    auto spec = text ? Decode(*text) : Result<PublishSpec>(Fail(std::move(text.error())));
    if (spec && FileName(spec->volume_id) != name) {
      spec = Fail(ErrorCode::kInvalidArgument, "is the record of another volume");
    }
    if (spec) {
      records.specs.push_back(std::move(*spec));
    } else if (text && IsTorn(*text)) {
      LogWarning("half a record of a volume is removed", {{log_keys::kFile, path}});
      unlinkat(directory_.get(), name.c_str(), 0);
    } else {
      records.unreadable.insert(name);
      LogError("a record of a published volume cannot be read; that volume stays as it is",
               {{log_keys::kFile, path}, {log_keys::kError, spec.error().message}});
    }
  }
}

}  // namespace downwardfs
