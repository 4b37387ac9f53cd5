// SPDX-License-Identifier: Apache-2.0
#include "tests/csi/csi_client.h"

#include <grpcpp/grpcpp.h>

#include "csi.grpc.pb.h"
#include "pluginregistration.grpc.pb.h"

namespace downwardfs::testing {
namespace {

constexpr std::chrono::seconds kPatience{60};

// A connection for each call, as the kubelet has it: one that outlived the plugin's process would
// refuse the first call after it.
std::shared_ptr<grpc::Channel> ChannelTo(const std::string& socket) {
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("unix://" + socket, grpc::InsecureChannelCredentials(), own);
}

std::unique_ptr<csi::v1::Node::Stub> NodeAt(const std::string& socket) {
  return csi::v1::Node::NewStub(ChannelTo(socket));
}

std::unique_ptr<csi::v1::Identity::Stub> IdentityAt(const std::string& socket) {
  return csi::v1::Identity::NewStub(ChannelTo(socket));
}

CsiAnswer AnswerOf(const grpc::Status& status) {
  return {static_cast<int>(status.error_code()), status.error_message()};
}

// A call that waits for a plugin that is being started.
struct Call {
  explicit Call(std::chrono::milliseconds patience = kPatience) {
    context.set_deadline(std::chrono::system_clock::now() + patience);
    context.set_wait_for_ready(true);
  }
  grpc::ClientContext context;
};

}  // namespace

CsiAnswer CsiClient::Publish(const PublishCall& call) {
  csi::v1::NodePublishVolumeRequest request;
  request.set_volume_id(call.volume_id);
  request.set_target_path(call.target_path);
  if (call.capability) {
    auto* const capability = request.mutable_volume_capability();
    if (call.block) {
      capability->mutable_block();
    } else {
      auto* const mount = capability->mutable_mount();
      mount->set_volume_mount_group(call.mount_group);
      for (const std::string& flag : call.mount_flags) mount->add_mount_flags(flag);
    }
    if (call.access_mode) {
      capability->mutable_access_mode()->set_mode(
          csi::v1::VolumeCapability::AccessMode::SINGLE_NODE_WRITER);
    }
  }
  for (const auto& [name, value] : call.context) (*request.mutable_volume_context())[name] = value;
  Call made(call.patience);
  csi::v1::NodePublishVolumeResponse response;
  return AnswerOf(NodeAt(socket_)->NodePublishVolume(&made.context, request, &response));
}

CsiAnswer CsiClient::Unpublish(const std::string& id, const std::string& path) {
  csi::v1::NodeUnpublishVolumeRequest request;
  request.set_volume_id(id);
  request.set_target_path(path);
  Call made;
  csi::v1::NodeUnpublishVolumeResponse response;
  return AnswerOf(NodeAt(socket_)->NodeUnpublishVolume(&made.context, request, &response));
}

CsiAnswer CsiClient::Stats(const std::string& id, const std::string& path, VolumeFigures& figures) {
  csi::v1::NodeGetVolumeStatsRequest request;
  request.set_volume_id(id);
  request.set_volume_path(path);
  Call made;
  csi::v1::NodeGetVolumeStatsResponse response;
  const auto status = NodeAt(socket_)->NodeGetVolumeStats(&made.context, request, &response);
  for (const auto& usage : response.usage()) {
    if (usage.unit() == csi::v1::VolumeUsage::BYTES) figures.used_bytes = usage.used();
    if (usage.unit() == csi::v1::VolumeUsage::INODES) figures.used_inodes = usage.used();
  }
  figures.abnormal = response.volume_condition().abnormal();
  figures.condition = response.volume_condition().message();
  return AnswerOf(status);
}

CsiAnswer CsiClient::Stage() {
  Call made;
  csi::v1::NodeStageVolumeResponse response;
  return AnswerOf(NodeAt(socket_)->NodeStageVolume(&made.context, {}, &response));
}

std::string CsiClient::Probe() {
  Call made;
  csi::v1::ProbeResponse response;
  const auto status = IdentityAt(socket_)->Probe(&made.context, {}, &response);
  if (!status.ok()) return status.error_message();
  return response.ready().value() ? "ready" : "not ready";
}

std::string CsiClient::PluginInfo() {
  Call made;
  csi::v1::GetPluginInfoResponse response;
  const auto status = IdentityAt(socket_)->GetPluginInfo(&made.context, {}, &response);
  return status.ok() ? response.name() + " " + response.vendor_version() : status.error_message();
}

std::string CsiClient::InodeId() {
  Call made;
  csi::v1::NodeGetInfoResponse response;
  const auto status = NodeAt(socket_)->NodeGetInfo(&made.context, {}, &response);
  return status.ok() ? response.node_id() : status.error_message();
}

std::vector<int> CsiClient::Capabilities() {
  Call made;
  csi::v1::NodeGetCapabilitiesResponse response;
  NodeAt(socket_)->NodeGetCapabilities(&made.context, {}, &response);
  std::vector<int> types;
  for (const auto& one : response.capabilities()) types.push_back(one.rpc().type());
  return types;
}

std::string RegistrationInfo(const std::string& socket) {
  const auto stub = pluginregistration::Registration::NewStub(ChannelTo(socket));
  Call made;
  pluginregistration::PluginInfo response;
  const auto status = stub->GetInfo(&made.context, {}, &response);
  if (!status.ok()) return status.error_message();
  std::string text = response.type() + " " + response.name() + " " + response.endpoint();
  for (const std::string& version : response.supported_versions()) text += " " + version;
  return text;
}

CsiAnswer SayRegistered(const std::string& socket, bool registered, const std::string& error) {
  const auto stub = pluginregistration::Registration::NewStub(ChannelTo(socket));
  Call made;
  pluginregistration::RegistrationStatus request;
  request.set_plugin_registered(registered);
  request.set_error(error);
  pluginregistration::RegistrationStatusResponse response;
  return AnswerOf(stub->NotifyRegistrationStatus(&made.context, request, &response));
}

}  // namespace downwardfs::testing
