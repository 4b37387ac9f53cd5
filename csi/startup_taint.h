// SPDX-License-Identifier: Apache-2.0
//
// Takes the startup taint off this node. A cluster may give its new nodes a taint
// (`kubelet --register-with-taints=KEY:NoSchedule`, Karpenter's startupTaints), so that no pod
// comes before the driver. The taint goes when the CSINode says that the kubelet has registered the
// driver, and goes again if somebody sets it later: an autoscaler may do that after we have
// started.
//
// The API server is asked for the CSINode only while the node has the taint. A failure is tried
// again for as long as the node has it, and logged once it has come twice in a row: what another
// writer of the node changed a moment ago is no fault.
//
// One owner makes and destroys it; a thread of its own, `startup-taint`, does all the rest.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/object_source.h"
#include "base/owned_fd.h"
#include "base/result.h"
#include "base/stoppable_thread.h"
#include "client/api/api_client.h"
#include "csi/node_objects.h"

namespace downwardfs {

class StartupTaint {
 public:
  /// `key`: every taint of that key goes, of any value and effect. `objects` outlives it.
  static Result<std::unique_ptr<StartupTaint>> Start(NodeObjects& objects, std::string driver,
                                                     std::string key);
  /// Ends a request that is under way.
  ~StartupTaint();

 private:
  StartupTaint(NodeObjects& objects, std::string driver, std::string key);
  void Run(int stop);
  /// True: the node has no such taint. False: the driver is not registered yet.
  Result<bool> Settle();
  Result<bool> IsRegistered();
  void Report(const Error& error);

  NodeObjects& objects_;
  const std::string driver_;
  const std::string key_;
  const client::ApiClient api_;
  const OwnedFd changed_;  ///< an eventfd: the node is another one now
  client::Cancellation cancel_;
  std::string failure_;  // the last one, and how often in a row; the thread's own
  int failures_ = 0;
  std::unique_ptr<ObjectSource::Subscription> subscription_;
  StoppableThread thread_;
};

}  // namespace downwardfs
