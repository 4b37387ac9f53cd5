// SPDX-License-Identifier: Apache-2.0
// A client of a mounter that has just begun offers it the volumes and sockets of the mounter before
// it (node_mounter.h). No part of an offer is believed.
#include <algorithm>
#include <chrono>
#include <utility>

#include "mount-helper/handover_memory.h"
#include "mount-helper/mount_identity.h"
#include "mount-helper/node_mounter.h"
#include "mount-helper/received_fd.h"

namespace downwardfs {
namespace {

// With a socket that another process may be giving up just now.
constexpr std::chrono::milliseconds kSocketPatience{10000};

std::vector<OwnedFd> DescriptorsIn(FuseMount& mount) {
  std::vector<OwnedFd> fds;
  for (OwnedFd FuseMount::*const part :
       {&FuseMount::device, &FuseMount::view, &FuseMount::memory, &FuseMount::publisher}) {
    if (mount.*part) fds.push_back(std::move(mount.*part));
  }
  return fds;
}

}  // namespace

// False if the client is to be dropped.
bool NodeMounter::TakeOffer(message::Volume& offer) {
  FuseMount& volume = offer.mount;
  const std::string id = volume.id;
  if (offered_.size() >= most_volumes_) return false;
  offered_.insert(id);
  if (const auto known = volumes_.find(id); known != volumes_.end()) {
    // It went, or became another one, while there was nobody to tell.
    const std::string& file_system = known->second.file_system;
    if (!known->second.mounted || file_system != volume.file_system) SayDetached(id);
    // Those of our own volume are not the last.
    if (!volume.view || FileSystemOf(volume.view.get()) != file_system) {
      gate_.Close(DescriptorsIn(volume));
    }
    return true;
  }
  if (const auto good = CheckOffer(volume); !good) {
    SayRefused(id, good.error().message);
    gate_.Close(DescriptorsIn(volume));
    SayDetached(id);
    return true;
  }
  own_->Add(volume.file_system);
  volumes_[id] = std::move(volume);
  return true;
}

// An earlier mounter must have mounted it: it is at a place of our driver's, as the mount table and
// the kubelet have it, and no other volume is the same. It has a view only if that mounter could
// make one (fuse_mount.h).
Status NodeMounter::CheckOffer(const FuseMount& offer) {
  if (offer.id.size() > kLongestVolumeId) return Invalid("its id is too long");
  if (volumes_.size() >= most_volumes_) {
    return Fail(ErrorCode::kResourceExhausted, "there are too many volumes");
  }
  const auto same = [&](const auto& known) {
    return known.second.path == offer.path || known.second.file_system == offer.file_system;
  };
  if (std::any_of(volumes_.begin(), volumes_.end(), same)) {
    return Fail(ErrorCode::kAlreadyExists, "another volume is there already");
  }
  if (auto memory = HandoverMemory::Map(offer.memory.get()); !memory) {
    return Fail(std::move(memory.error()));
  }
  auto place = VolumePlace::Open(options_.kubelet_dir, offer.path);
  if (!place) return Fail(std::move(place.error()));
  if (auto ours = place->CheckOwner(options_.driver); !ours) return ours;
  const auto path = place->RealPath();
  const auto mounts = watch_->Read();
  if (!path || !mounts) return Fail(ErrorCode::kInternal, "the mount table cannot be read");
  const bool mounted = std::any_of(mounts->begin(), mounts->end(), [&](const MountEntry& mount) {
    return mount.mount_point == *path && IsDownwardfs(mount) && mount.device == offer.file_system;
  });
  const bool other_view = offer.view && FileSystemOf(offer.view.get()) != offer.file_system;
  if (!mounted || other_view) {
    return Fail(ErrorCode::kNotFound, "is mounted no longer");
  }
  return {};
}

// Only a mounter can have made these: as root, at these paths. Others would let whoever made them
// speak to the next daemon as the kubelet does. Those that are not kept are not closed here: in
// their queues may lie anything.
bool NodeMounter::TakeOffer(message::Sockets& offer) {
  const bool ours =
      IsOwnListener(offer.csi.get(), options_.csi_socket) &&
      (options_.registration.empty() ||
       (offer.registration && IsOwnListener(offer.registration.get(), options_.registration)));
  if (offers_ && ours && !sockets_.csi) {
    sockets_.csi = std::move(offer.csi);
    if (!options_.registration.empty()) sockets_.registration = std::move(offer.registration);
  } else if (offers_ && !ours) {
    SayRefused("", "the client's sockets were not made by a mounter");
  }
  std::vector<OwnedFd> others;
  for (OwnedFd* const fd : {&offer.csi, &offer.registration}) {
    if (*fd) others.push_back(std::move(*fd));
  }
  gate_.Close(std::move(others));
  return offers_;
}

// Binds once, for as long as we or the client live: a socket that disappears from the kubelet's
// plugins_registry deregisters the driver.
Status NodeMounter::BindSockets() {
  if (sockets_.csi || options_.csi_socket.empty()) return {};
  auto csi = ListenAt(options_.csi_socket, SocketKind::kStream, options_.client, kSocketPatience);
  if (!csi) return Fail(std::move(csi.error()));
  if (!options_.registration.empty()) {
    auto registration =
        ListenAt(options_.registration, SocketKind::kStream, options_.client, kSocketPatience);
    if (!registration) return Fail(std::move(registration.error()));
    sockets_.registration = std::move(*registration);
  }
  sockets_.csi = std::move(*csi);
  return {};
}

}  // namespace downwardfs
