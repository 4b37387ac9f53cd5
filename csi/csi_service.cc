// SPDX-License-Identifier: Apache-2.0
#include "csi/csi_service.h"

#include <chrono>
#include <cstddef>

#include "base/log.h"
#include "base/log_keys.h"
#include "base/text.h"
#include "base/version.h"
#include "csi/csi_probe.h"

namespace downwardfs {
namespace {

using Code = grpc::StatusCode;

// The code that the kubelet gets for an error, with its name in grpcpp/support/status_code_enum.h.
struct GrpcCode {
  ErrorCode error;
  Code code;
  const char* name;
};

constexpr GrpcCode kCodes[] = {
    {ErrorCode::kInvalidArgument, Code::INVALID_ARGUMENT, "INVALID_ARGUMENT"},
    {ErrorCode::kNotFound, Code::NOT_FOUND, "NOT_FOUND"},
    {ErrorCode::kAlreadyExists, Code::ALREADY_EXISTS, "ALREADY_EXISTS"},
    {ErrorCode::kPermissionDenied, Code::PERMISSION_DENIED, "PERMISSION_DENIED"},
    {ErrorCode::kUnauthenticated, Code::UNAUTHENTICATED, "UNAUTHENTICATED"},
    {ErrorCode::kUnavailable, Code::UNAVAILABLE, "UNAVAILABLE"},
    {ErrorCode::kDeadlineExceeded, Code::DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"},
    {ErrorCode::kResourceExhausted, Code::RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED"},
    {ErrorCode::kFailedPrecondition, Code::FAILED_PRECONDITION, "FAILED_PRECONDITION"},
    {ErrorCode::kExpired, Code::ABORTED, "ABORTED"},
    {ErrorCode::kCancelled, Code::CANCELLED, "CANCELLED"},
    {ErrorCode::kInternal, Code::INTERNAL, "INTERNAL"},
};

// Found by its place: a row for each ErrorCode, in the order of the enum.
constexpr bool EachHasItsPlace() {
  std::size_t place = 0;
  for (const GrpcCode& row : kCodes) {
    if (static_cast<std::size_t>(row.error) != place++) return false;
  }
  return place == static_cast<std::size_t>(ErrorCode::kInternal) + 1;
}
static_assert(EachHasItsPlace());

// A call of the kubelet's for one volume: counted, and logged where it fails.
class VolumeCall {
 public:
  VolumeCall(PluginTally& tally, const char* method, const std::string& volume)
      : tally_(tally), method_(method), volume_(volume) {}

  /// Users read the message in `kubectl describe pod`.
  grpc::Status Answer(const Status& status) const {
    const auto took = std::chrono::steady_clock::now() - began_;
    if (status) {
      tally_.Called(method_, "OK", took);
      return grpc::Status::OK;
    }
    const Error& error = status.error();
    const GrpcCode& answer = kCodes[static_cast<std::size_t>(error.code)];
    tally_.Called(method_, answer.name, took);
    LogWarning(method_, {{log_keys::kVolume, volume_}, {log_keys::kError, error.message}});
    return {answer.code, OneLine(error.message)};
  }

 private:
  PluginTally& tally_;
  const char* const method_;
  const std::string& volume_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

PublishRequest FromWire(const csi::v1::NodePublishVolumeRequest& wire) {
  PublishRequest request;
  request.volume_id = wire.volume_id();
  request.target_path = wire.target_path();
  request.has_capability = wire.has_volume_capability();
  const csi::v1::VolumeCapability& capability = wire.volume_capability();
  request.block = capability.has_block();
  request.mount = capability.has_mount();
  request.known_access_mode =
      capability.access_mode().mode() != csi::v1::VolumeCapability::AccessMode::UNKNOWN;
  request.fs_type = capability.mount().fs_type();
  request.mount_flags.assign(capability.mount().mount_flags().begin(),
                             capability.mount().mount_flags().end());
  request.mount_group = capability.mount().volume_mount_group();
  // Never kept, never logged: the token of a pod and the secrets, which nobody needs here.
  for (const auto& [name, value] : wire.volume_context()) {
    if (name != "csi.storage.k8s.io/serviceAccount.tokens") request.context[name] = value;
  }
  return request;
}

Cancelled CancelledOf(const grpc::ServerContext* context) {
  return [context] { return context->IsCancelled(); };
}

}  // namespace

grpc::Status IdentityService::GetPluginInfo(grpc::ServerContext* /*context*/,
                                            const csi::v1::GetPluginInfoRequest* /*request*/,
                                            csi::v1::GetPluginInfoResponse* response) {
  response->set_name(facts_.driver_name);
  response->set_vendor_version(std::string(Version()));
  return grpc::Status::OK;
}

grpc::Status IdentityService::GetPluginCapabilities(
    grpc::ServerContext* /*context*/, const csi::v1::GetPluginCapabilitiesRequest* /*request*/,
    csi::v1::GetPluginCapabilitiesResponse* /*response*/) {
  return grpc::Status::OK;
}

grpc::Status IdentityService::Probe(grpc::ServerContext* context,
                                    const csi::v1::ProbeRequest* /*request*/,
                                    csi::v1::ProbeResponse* response) {
  const std::string trouble = volumes_.Trouble();
  response->mutable_ready()->set_value(trouble.empty());
  if (!trouble.empty()) context->AddTrailingMetadata(kTroubleKey, trouble);
  return grpc::Status::OK;
}

grpc::Status NodeService::NodePublishVolume(grpc::ServerContext* context,
                                            const csi::v1::NodePublishVolumeRequest* request,
                                            csi::v1::NodePublishVolumeResponse* /*response*/) {
  const VolumeCall call(tally_, "NodePublishVolume", request->volume_id());
  return call.Answer(volumes_.Publish(FromWire(*request), CancelledOf(context)));
}

grpc::Status NodeService::NodeUnpublishVolume(grpc::ServerContext* context,
                                              const csi::v1::NodeUnpublishVolumeRequest* request,
                                              csi::v1::NodeUnpublishVolumeResponse* /*response*/) {
  const VolumeCall call(tally_, "NodeUnpublishVolume", request->volume_id());
  return call.Answer(
      volumes_.Unpublish(request->volume_id(), request->target_path(), CancelledOf(context)));
}

grpc::Status NodeService::NodeGetVolumeStats(grpc::ServerContext* /*context*/,
                                             const csi::v1::NodeGetVolumeStatsRequest* request,
                                             csi::v1::NodeGetVolumeStatsResponse* response) {
  const VolumeCall call(tally_, "NodeGetVolumeStats", request->volume_id());
  auto figures = volumes_.Stats(request->volume_id(), request->volume_path());
  if (!figures) return call.Answer(Status(Fail(std::move(figures.error()))));
  // Nothing is available: nobody but us writes there.
  const auto bytes = static_cast<std::int64_t>(figures->stats.content_bytes);
  const auto inodes = static_cast<std::int64_t>(figures->stats.files);
  csi::v1::VolumeUsage* usage = response->add_usage();
  usage->set_unit(csi::v1::VolumeUsage::BYTES);
  usage->set_total(bytes);
  usage->set_used(bytes);
  usage = response->add_usage();
  usage->set_unit(csi::v1::VolumeUsage::INODES);
  usage->set_total(inodes);
  usage->set_used(inodes);
  csi::v1::VolumeCondition* condition = response->mutable_volume_condition();
  condition->set_abnormal(!figures->condition.empty());
  condition->set_message(figures->condition.empty() ? "the newest state of the pod is shown"
                                                    : OneLine(figures->condition));
  return call.Answer({});
}

grpc::Status NodeService::NodeGetCapabilities(
    grpc::ServerContext* /*context*/, const csi::v1::NodeGetCapabilitiesRequest* /*request*/,
    csi::v1::NodeGetCapabilitiesResponse* response) {
  using Rpc = csi::v1::NodeServiceCapability::RPC;
  for (const auto type : {Rpc::GET_VOLUME_STATS, Rpc::VOLUME_CONDITION, Rpc::VOLUME_MOUNT_GROUP}) {
    response->add_capabilities()->mutable_rpc()->set_type(type);
  }
  return grpc::Status::OK;
}

grpc::Status NodeService::NodeGetInfo(grpc::ServerContext* /*context*/,
                                      const csi::v1::NodeGetInfoRequest* /*request*/,
                                      csi::v1::NodeGetInfoResponse* response) {
  response->set_node_id(facts_.node);
  return grpc::Status::OK;
}

grpc::Status RegistrationService::GetInfo(grpc::ServerContext* /*context*/,
                                          const pluginregistration::InfoRequest* /*request*/,
                                          pluginregistration::PluginInfo* response) {
  response->set_type("CSIPlugin");
  response->set_name(facts_.driver_name);
  response->set_endpoint(facts_.socket);
  response->add_supported_versions("1.0.0");
  return grpc::Status::OK;
}

grpc::Status RegistrationService::NotifyRegistrationStatus(
    grpc::ServerContext* /*context*/, const pluginregistration::RegistrationStatus* request,
    pluginregistration::RegistrationStatusResponse* /*response*/) {
  if (request->plugin_registered()) {
    LogInfo("the kubelet has registered the driver");
  } else {
    LogError("the kubelet refuses the driver", {{log_keys::kError, request->error()}});
  }
  return grpc::Status::OK;
}

}  // namespace downwardfs
