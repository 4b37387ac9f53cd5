// SPDX-License-Identifier: Apache-2.0
//
// gRPC's side of the plugin: the CSI Identity and Node services and the kubelet's registration,
// each a thin adapter from the wire to VolumeManager and back. gRPC's own threads call them, many
// at once. The manager and the tally outlive them.
#pragma once

#include <string>

#include "csi.grpc.pb.h"
#include "csi/volume_manager.h"
#include "pluginregistration.grpc.pb.h"

namespace downwardfs {

/// The plugin's words about itself.
struct PluginFacts {
  std::string driver_name;
  std::string node;
  std::string socket;  ///< the path of the CSI socket, as the kubelet sees it
};

class IdentityService final : public csi::v1::Identity::Service {
 public:
  IdentityService(const PluginFacts& facts, const VolumeManager& volumes)
      : facts_(facts), volumes_(volumes) {}

  grpc::Status GetPluginInfo(grpc::ServerContext* context,
                             const csi::v1::GetPluginInfoRequest* request,
                             csi::v1::GetPluginInfoResponse* response) override;
  grpc::Status GetPluginCapabilities(grpc::ServerContext* context,
                                     const csi::v1::GetPluginCapabilitiesRequest* request,
                                     csi::v1::GetPluginCapabilitiesResponse* response) override;
  /// Ready while the node's pods are followed, the holder is there and the serving threads answer;
  /// what is wrong is in the answer's metadata, under kTroubleKey.
  grpc::Status Probe(grpc::ServerContext* context, const csi::v1::ProbeRequest* request,
                     csi::v1::ProbeResponse* response) override;

 private:
  const PluginFacts& facts_;
  const VolumeManager& volumes_;
};

class NodeService final : public csi::v1::Node::Service {
 public:
  NodeService(const PluginFacts& facts, VolumeManager& volumes, PluginTally& tally)
      : facts_(facts), volumes_(volumes), tally_(tally) {}

  grpc::Status NodePublishVolume(grpc::ServerContext* context,
                                 const csi::v1::NodePublishVolumeRequest* request,
                                 csi::v1::NodePublishVolumeResponse* response) override;
  grpc::Status NodeUnpublishVolume(grpc::ServerContext* context,
                                   const csi::v1::NodeUnpublishVolumeRequest* request,
                                   csi::v1::NodeUnpublishVolumeResponse* response) override;
  grpc::Status NodeGetVolumeStats(grpc::ServerContext* context,
                                  const csi::v1::NodeGetVolumeStatsRequest* request,
                                  csi::v1::NodeGetVolumeStatsResponse* response) override;
  grpc::Status NodeGetCapabilities(grpc::ServerContext* context,
                                   const csi::v1::NodeGetCapabilitiesRequest* request,
                                   csi::v1::NodeGetCapabilitiesResponse* response) override;
  grpc::Status NodeGetInfo(grpc::ServerContext* context, const csi::v1::NodeGetInfoRequest* request,
                           csi::v1::NodeGetInfoResponse* response) override;

 private:
  const PluginFacts& facts_;
  VolumeManager& volumes_;
  PluginTally& tally_;
};

/// kubernetes pkg/kubelet/pluginmanager: the kubelet asks who is behind the socket, and says what
/// came of it.
class RegistrationService final : public pluginregistration::Registration::Service {
 public:
  explicit RegistrationService(const PluginFacts& facts) : facts_(facts) {}

  grpc::Status GetInfo(grpc::ServerContext* context, const pluginregistration::InfoRequest* request,
                       pluginregistration::PluginInfo* response) override;
  grpc::Status NotifyRegistrationStatus(
      grpc::ServerContext* context, const pluginregistration::RegistrationStatus* request,
      pluginregistration::RegistrationStatusResponse* response) override;

 private:
  const PluginFacts& facts_;
};

}  // namespace downwardfs
