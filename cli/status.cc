// SPDX-License-Identifier: Apache-2.0
// `downwardfs status`.

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/text.h"
#include "cli/ask_status.h"
#include "cli/commands.h"
#include "cli/status_answer.h"
#include "mount-helper/fuse_mount.h"

namespace downwardfs {
namespace {

// One kind of objects of a cluster's mount.
std::string ObjectsText(const nlohmann::json& state) {
  const auto count = state.find("count");
  std::string text = count != state.end() ? PlainText(*count) : "0";
  if (!FlagIn(state, "loaded", false)) text += ", still loading";
  if (const auto error = state.find("lastError"); error != state.end()) {
    text += "; " + PlainText(*error);
  }
  return text;
}

std::string AsText(const nlohmann::json& status) {
  std::string out;
  const auto line = [&](const std::string& label, const std::string& value) {
    out += label + ":" + std::string(label.size() < 16 ? 16 - label.size() : 1, ' ') + value + "\n";
  };
  const auto field = [&](const char* label, const char* key) {
    const auto it = status.find(key);
    if (it == status.end() || it->is_null()) return;
    const std::string value = PlainText(*it);
    if (!value.empty()) line(label, value);
  };
  field("mount point", "mountPoint");
  field("pod", "pod");
  field("shows", "view");
  field("source", "source");
  field("connected", "connected");
  field("data age (s)", "dataAgeSeconds");
  field("last error", "lastError");
  field("last fault", "lastFault");
  const auto objects = status.value("objects", nlohmann::json());
  for (const auto& [kind, state] : objects.items()) {
    if (state.is_object()) line(OneLine(kind), ObjectsText(state));
  }
  // The namespaces that were asked for; "all" is said by their count above.
  const auto chosen = status.value("namespaces", nlohmann::json());
  if (chosen.is_array()) {
    std::string names;
    for (const auto& name : chosen) names += (names.empty() ? "" : ", ") + PlainText(name);
    line("namespaces", names);
  }
  if (FlagIn(status, "podDeleted", false)) line("pod", "deleted; this is its last content");
  const auto problems = status.value("problems", nlohmann::json());
  for (const auto& problem : problems) line("empty", PlainText(problem));
  if (!FlagIn(status, "writableView", true)) line("events", kNoEvents);
  if (FlagIn(status, "publishHeldBack", false)) {
    line("changes", "held back: the pod changes too often; the newest state follows");
  }
  field("resourceVersion", "resourceVersion");
  field("data directory", "dataDirectory");
  field("files", "files");
  field("flips", "flips");
  field("changes by", "changesBy");
  field("live versions", "liveVersions");
  field("daemon pid", "daemonPid");
  field("holder pid", "holderPid");
  field("generation", "generation");
  field("deaths", "deaths");
  field("last stall (s)", "lastHandoverSeconds");
  field("worst stall (s)", "longestStallSeconds");
  field("uptime (s)", "uptimeSeconds");
  const auto counts = status.value("requests", nlohmann::json());
  std::string requests;
  for (const auto& [name, count] : counts.items()) {
    if (count == 0) continue;
    requests += (requests.empty() ? "" : "  ") + OneLine(name) + " " + PlainText(count);
  }
  line("requests", requests);
  return out;
}

}  // namespace

Result<int> RunStatus(const StatusOptions& options) {
  const auto answer = AskStatus(options.mount_point);
  if (!answer) return Fail(answer.error());
  auto status = ParseStatus(options.mount_point, *answer);
  if (!status) return Fail(std::move(status.error()));
  // `mount --move` tells no daemon, which may be in another mount namespace too. Only root is told.
  const auto place = status->find("mountPoint");
  if (place != status->end() && place->is_string()) *place = answer->mount.mount_point;
  const std::string out = options.json ? SafeStatusText(*status) + '\n' : AsText(*status);
  if (auto done = WriteAll(STDOUT_FILENO, out, "standard output"); !done) {
    return Fail(std::move(done.error()));
  }
  return 0;
}

}  // namespace downwardfs
