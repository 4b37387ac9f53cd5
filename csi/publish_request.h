// SPDX-License-Identifier: Apache-2.0
//
// The request of a NodePublishVolume, checked: the rules of the CSI specification
// (NodePublishVolume) and those of this driver's volume attributes. A message names the attribute
// and the rule, since its reader is somebody with `kubectl describe pod`. Pure functions; any
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/object_source.h"
#include "base/result.h"
#include "fs/projection/projector.h"
#include "fs/volume/mounted_volume.h"

namespace downwardfs {

/// The request as it came, without gRPC's types.
struct PublishRequest {
  std::string volume_id;
  std::string target_path;
  bool has_capability = false;
  bool block = false;  ///< a raw device is wanted
  bool mount = false;
  bool known_access_mode = false;
  std::string fs_type;
  std::vector<std::string> mount_flags;
  std::string mount_group;  ///< volume_mount_group
  std::map<std::string, std::string> context;
};

/// A volume as it is to be.
struct PublishSpec {
  std::string volume_id;
  std::string target_path;
  ObjectKey pod;                ///< with the uid that the kubelet gave
  std::string service_account;  ///< the pod's; at first as the kubelet says, or empty
  VolumeView view;
  Layout layout = Layout::kKubelet;
  std::optional<std::uint32_t> fs_group;
  /// The attributes that the user gave, as they came: what a republish is compared with, and what
  /// the journal holds.
  std::map<std::string, std::string> attributes;
  /// When the volume was mounted anew because both sides had lost it (Unix time, seconds); 0:
  /// never. Containers that started before have a dead mount.
  std::int64_t mounted_anew = 0;
};

/// The rules beside the attributes: present, of the right form. kInvalidArgument.
Status CheckVolumeId(const std::string& id);
Status CheckPath(const std::string& field, const std::string& path);

/// kInvalidArgument, or kResourceExhausted where the items are too many. target_path is plain then
/// (mount-helper/volume_place.h).
Result<PublishSpec> ParsePublishRequest(const PublishRequest& request);

/// The rules for a mount that is to be made; one that is there has its flags. kInvalidArgument.
Status CheckMountFlags(const PublishRequest& request);

/// The attributes of `context` that are the user's, not the kubelet's.
std::map<std::string, std::string> UserAttributes(
    const std::map<std::string, std::string>& context);

/// Puts view and layout in, as the attributes say.
Status ApplyAttributes(const std::map<std::string, std::string>& attributes, PublishSpec& spec);

/// Whether an item of the view is about that object, a Node or a Namespace by `kind`, which not
/// every pod may read.
bool Shows(const VolumeView& view, const std::string& kind);

}  // namespace downwardfs
