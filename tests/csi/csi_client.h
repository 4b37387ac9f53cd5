// SPDX-License-Identifier: Apache-2.0
// The kubelet's side of CSI, for tests: calls over a UNIX socket. gRPC stays in csi_client.cc. Any
// thread.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace downwardfs::testing {

/// The result of a call; the code as gRPC numbers it.
struct CsiAnswer {
  int code = 0;
  std::string message;
  bool ok() const { return code == 0; }
};

namespace csi_code {
inline constexpr int kOk = 0;
inline constexpr int kCancelled = 1;
inline constexpr int kInvalidArgument = 3;
inline constexpr int kDeadlineExceeded = 4;
inline constexpr int kNotFound = 5;
inline constexpr int kAlreadyExists = 6;
inline constexpr int kPermissionDenied = 7;
inline constexpr int kResourceExhausted = 8;
inline constexpr int kFailedPrecondition = 9;
inline constexpr int kUnimplemented = 12;
inline constexpr int kUnavailable = 14;
}  // namespace csi_code

struct PublishCall {
  std::string volume_id = "csi-1";
  std::string target_path;
  bool capability = true;
  bool block = false;
  bool access_mode = true;
  std::string mount_group;
  std::vector<std::string> mount_flags;
  std::map<std::string, std::string> context;
  std::chrono::milliseconds patience{60000};
};

struct VolumeFigures {
  long used_bytes = 0;
  long used_inodes = 0;
  bool abnormal = false;
  std::string condition;
};

class CsiClient {
 public:
  explicit CsiClient(std::string socket) : socket_(std::move(socket)) {}

  CsiAnswer Publish(const PublishCall& call);
  CsiAnswer Unpublish(const std::string& id, const std::string& path);
  CsiAnswer Stats(const std::string& id, const std::string& path, VolumeFigures& figures);
  CsiAnswer Stage();  ///< a call that the plugin does not have
  /// "ready", "not ready", or what failed.
  std::string Probe();
  /// "NAME VERSION", the node, the capabilities by number.
  std::string PluginInfo();
  std::string InodeId();
  std::vector<int> Capabilities();

 private:
  const std::string socket_;
};

/// Asks a registration socket as the kubelet does: "TYPE NAME ENDPOINT VERSION...".
std::string RegistrationInfo(const std::string& socket);
/// Tells it what came of that.
CsiAnswer SayRegistered(const std::string& socket, bool registered, const std::string& error);

}  // namespace downwardfs::testing
