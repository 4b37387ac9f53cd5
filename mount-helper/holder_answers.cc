// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_answers.h"

#include <string>
#include <utility>

namespace downwardfs {
namespace {

message::Done Failed(std::uint64_t serial, Error error) {
  message::Done done;
  done.serial = serial;
  done.error = std::move(error);
  return done;
}

Error Lacking(const char* what) {
  return {ErrorCode::kInternal, std::string("the holder sent no ") + what};
}

}  // namespace

message::Done DoneWith(std::uint64_t serial, Status status) {
  if (!status) return Failed(serial, std::move(status.error()));
  message::Done done;
  done.serial = serial;
  return done;
}

message::Done DoneWith(std::uint64_t serial, Result<FuseMount> mount) {
  if (!mount) return Failed(serial, std::move(mount.error()));
  message::Done done;
  done.serial = serial;
  done.body.text = std::move(mount->file_system);
  done.body.fds.push_back(std::move(mount->device));
  if (mount->view) done.body.fds.push_back(std::move(mount->view));
  return done;
}

message::Done DoneWith(std::uint64_t serial, Result<OwnedFd> connection) {
  if (!connection) return Failed(serial, std::move(connection.error()));
  message::Done done;
  done.serial = serial;
  done.body.fds.push_back(std::move(*connection));
  return done;
}

message::Done DoneWith(std::uint64_t serial, Result<bool> yes) {
  if (!yes) return Failed(serial, std::move(yes.error()));
  message::Done done;
  done.serial = serial;
  done.body.numbers = {*yes ? 1u : 0u};
  return done;
}

Status StatusIn(message::Done done) {
  if (done.error) return Fail(std::move(*done.error));
  return {};
}

Result<FuseMount> MountIn(const message::Done& done) {
  if (done.error) return Fail(*done.error);
  FuseMount mount;
  mount.mounted = true;
  mount.file_system = done.body.text;
  if (!done.body.fds.empty()) mount.device = Duplicate(done.body.fds[0]);
  if (done.body.fds.size() > 1) mount.view = Duplicate(done.body.fds[1]);
  if (!mount.device) return Fail(Lacking("device"));
  return mount;
}

Result<OwnedFd> ConnectionIn(message::Done done) {
  if (done.error) return Fail(std::move(*done.error));
  if (done.body.fds.empty()) return Fail(Lacking("connection"));
  return std::move(done.body.fds[0]);
}

Result<bool> YesIn(message::Done done) {
  if (done.error) return Fail(std::move(*done.error));
  if (done.body.numbers.empty()) return Fail(Lacking("answer"));
  return done.body.numbers[0] != 0;
}

}  // namespace downwardfs
