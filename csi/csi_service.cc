// SPDX-License-Identifier: Apache-2.0
#include "csi/csi_service.h"

#include <chrono>

#include "base/log.h"
#include "base/log_keys.h"
#include "base/text.h"
#include "base/version.h"
#include "csi/csi_probe.h"

namespace downwardfs {
namespace {

grpc::StatusCode CodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case ErrorCode::kPermissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::kUnauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case ErrorCode::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::kDeadlineExceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case ErrorCode::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kFailedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kExpired:
      return grpc::StatusCode::ABORTED;
    case ErrorCode::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case ErrorCode::kInternal:
      break;
  }
  return grpc::StatusCode::INTERNAL;
}

// Its name in grpcpp/support/status_code_enum.h, of those that CodeOf() makes.
const char* CodeName(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::OK:
      return "OK";
    case grpc::StatusCode::INVALID_ARGUMENT:
      return "INVALID_ARGUMENT";
    case grpc::StatusCode::NOT_FOUND:
      return "NOT_FOUND";
    case grpc::StatusCode::ALREADY_EXISTS:
      return "ALREADY_EXISTS";
    case grpc::StatusCode::PERMISSION_DENIED:
      return "PERMISSION_DENIED";
    case grpc::StatusCode::UNAUTHENTICATED:
      return "UNAUTHENTICATED";
    case grpc::StatusCode::UNAVAILABLE:
      return "UNAVAILABLE";
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return "DEADLINE_EXCEEDED";
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return "RESOURCE_EXHAUSTED";
    case grpc::StatusCode::FAILED_PRECONDITION:
      return "FAILED_PRECONDITION";
    case grpc::StatusCode::ABORTED:
      return "ABORTED";
    case grpc::StatusCode::CANCELLED:
      return "CANCELLED";
    default:
      return "INTERNAL";
  }
}

// A call of the kubelet's for one volume: counted, and logged where it fails.
class VolumeCall {
 public:
  VolumeCall(PluginTally& tally, const char* method, const std::string& volume)
      : tally_(tally), method_(method), volume_(volume) {}

  /// Users read the message in `kubectl describe pod`.
  grpc::Status Answer(const Status& status) const {
    const auto code = status ? grpc::StatusCode::OK : CodeOf(status.error().code);
    tally_.Called(method_, CodeName(code), std::chrono::steady_clock::now() - began_);
    if (status) return grpc::Status::OK;
    LogWarning(method_, {{log_keys::kVolume, volume_}, {log_keys::kError, status.error().message}});
    return {code, OneLine(status.error().message)};
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
