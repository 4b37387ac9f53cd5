// SPDX-License-Identifier: Apache-2.0
#include "csi/csi_probe.h"

#include <grpcpp/grpcpp.h>

#include <chrono>

#include "csi.grpc.pb.h"

namespace downwardfs {
namespace {

constexpr std::chrono::seconds kPatience{5};

}  // namespace

Status ProbePlugin(const std::string& socket, bool live) {
  const auto channel = grpc::CreateChannel("unix://" + socket, grpc::InsecureChannelCredentials());
  const auto stub = csi::v1::Identity::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kPatience);
  csi::v1::ProbeResponse response;
  const grpc::Status status = stub->Probe(&context, csi::v1::ProbeRequest(), &response);
  if (!status.ok()) {
    return Fail(ErrorCode::kUnavailable, socket + ": " + status.error_message());
  }
  if (!live && response.has_ready() && !response.ready().value()) {
    const auto& metadata = context.GetServerTrailingMetadata();
    const auto trouble = metadata.find(kTroubleKey);
    const std::string why = trouble == metadata.end()
                                ? "the log says why"
                                : std::string(trouble->second.data(), trouble->second.size());
    return Fail(ErrorCode::kUnavailable, socket + ": not ready: " + why);
  }
  return {};
}

}  // namespace downwardfs
