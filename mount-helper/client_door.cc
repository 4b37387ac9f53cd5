// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/client_door.h"

#include <sys/socket.h>
#include <syslog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/system_log.h"
#include "mount-helper/message_channel.h"

namespace downwardfs {
namespace {

constexpr std::size_t kMostWaiting = 16;
constexpr std::chrono::seconds kProbePatience{5};

bool IsReady(const std::vector<pollfd>& fds, const OwnedFd& fd) {
  return std::any_of(fds.begin(), fds.end(),
                     [&](const pollfd& one) { return one.fd == fd.get() && one.revents != 0; });
}

}  // namespace

void ClientDoor::AddTo(std::vector<pollfd>& fds) const {
  if (!listener_) return;
  fds.push_back({listener_.get(), POLLIN, 0});
  for (const Waiting& one : waiting_) fds.push_back({one.connection.get(), POLLIN, 0});
}

OwnedFd ClientDoor::Take(const std::vector<pollfd>& fds, DescriptorGate& gate) {
  OwnedFd client;
  for (Waiting& one : waiting_) {
    if (client || !IsReady(fds, one.connection)) continue;
    if (Listen(one, gate)) client = std::move(one.connection);
  }
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(),
                                [](const Waiting& one) { return !one.connection; }),
                 waiting_.end());
  if (listener_ && IsReady(fds, listener_)) Accept(gate);
  return client;
}

void ClientDoor::Accept(DescriptorGate& gate) {
  OwnedFd connection(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!connection) return;
  const auto user = PeerUser(connection.get());
  if (!user || (*user != 0 && (!owner_ || *user != owner_->uid))) {
    SystemLog(LOG_WARNING, "downwardfs: user %u may not connect", user ? *user : ~0u);
    return gate.EndConnection(std::move(connection));
  }
  if (waiting_.size() >= kMostWaiting) {
    gate.EndConnection(std::move(waiting_.front().connection));
    waiting_.erase(waiting_.begin());
  }
  waiting_.push_back({std::move(connection), false});
}

bool ClientDoor::Listen(Waiting& waiting, DescriptorGate& gate) {
  auto message = ReceiveBareMessage(waiting.connection.get());
  if (!message) {
    if (message.error().code != ErrorCode::kUnavailable)
      gate.EndConnection(std::move(waiting.connection));
    return false;
  }
  if (waiting.refused) return false;
  if (std::holds_alternative<message::Alive>(*message)) {
    if (!SendMessage(waiting.connection.get(), message::Alive())) {
      gate.EndConnection(std::move(waiting.connection));
    }
    return false;
  }
  const auto* const hello = std::get_if<message::Hello>(&*message);
  if (hello != nullptr && hello->protocol == kHolderProtocol) return true;
  SystemLog(LOG_ERR, "downwardfs: a client speaks another protocol");
  gate.EndConnection(std::move(waiting.connection));
  return false;
}

void ClientDoor::Refuse(OwnedFd connection, const std::string& why, DescriptorGate& gate) {
  if (!SendMessage(connection.get(), message::Refused{why})) {
    return gate.EndConnection(std::move(connection));
  }
  waiting_.push_back({std::move(connection), true});
}

Status ProbeMounter(const std::string& socket) {
  auto connection = ConnectTo(socket, SocketKind::kPackets);
  if (!connection) return Fail(std::move(connection.error()));
  if (auto sent = SendMessage(connection->get(), message::Alive()); !sent) return sent;
  pollfd answer = {connection->get(), POLLIN, 0};
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(kProbePatience);
  if (poll(&answer, 1, static_cast<int>(patience.count())) != 1) {
    return Fail(ErrorCode::kDeadlineExceeded, socket + ": no answer");
  }
  auto alive = ReceiveMessage(connection->get());
  if (!alive) return Fail(std::move(alive.error()), socket);
  return {};
}

}  // namespace downwardfs
