// SPDX-License-Identifier: Apache-2.0
//
// A gRPC server on a listening socket that somebody else has bound and goes on owning: each
// connection is accepted on the thread `csi-accept` and given to gRPC. When the server ends, the
// socket stays, and who connects meanwhile waits for the next one.
//
// One owner makes it and destroys it; the services outlive it.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "base/owned_fd.h"
#include "base/result.h"
#include "base/stoppable_thread.h"

namespace downwardfs {

class CsiServer {
 public:
  static Result<std::unique_ptr<CsiServer>> Start(OwnedFd listener,
                                                  const std::vector<grpc::Service*>& services);
  /// Ends calls that are under way after a moment.
  ~CsiServer();

 private:
  explicit CsiServer(OwnedFd listener) : listener_(std::move(listener)) {}
  void Accept(int stop);

  const OwnedFd listener_;
  std::unique_ptr<grpc::Server> server_;
  StoppableThread thread_;
};

}  // namespace downwardfs
