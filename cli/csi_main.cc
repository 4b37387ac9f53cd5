// SPDX-License-Identifier: Apache-2.0
// `downwardfs-csi`: the daemon of the node plugin, started by its supervisor. Serves what is
// mounted before it looks for the API server, which may be away.
#include <grpcpp/grpcpp.h>  // before base/mutex.h, whose macros replace abseil's
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <utility>

#include "base/file.h"
#include "base/log.h"
#include "base/log_keys.h"
#include "base/log_setup.h"
#include "base/memory.h"
#include "base/process.h"
#include "base/sd_notify.h"
#include "base/stoppable_thread.h"
#include "base/tcp_listener.h"
#include "base/text.h"
#include "base/version.h"
#include "cli/confine.h"
#include "cli/csi_flags.h"
#include "cli/help_format.h"
#include "cli/programs.h"
#include "cli/run_main.h"
#include "cli/stop_signals.h"
#include "csi/csi_probe.h"
#include "csi/csi_server.h"
#include "csi/csi_service.h"
#include "csi/plugin_metrics.h"
#include "csi/startup_taint.h"
#include "mount-helper/unix_socket.h"

namespace downwardfs {
namespace {

constexpr int kWrongUsage = 2;
constexpr int kServingThreads = 4;
constexpr int kForBusySessions = 2;  // of them
constexpr int kLookForEnd = 500;     // ms
constexpr int kMemoryPools = 4;      // as many as may project at once

// Tells the supervisor that this process lives and that requests are answered, if it wants to know.
Result<StoppableThread> SignsOfLife(HolderClient& holder, const VolumeManager& volumes,
                                    const HandoverMemory& life) {
  if (holder.watchdog().count() == 0) return StoppableThread();
  // Three signs within the time in which one is expected.
  const int pause = static_cast<int>(std::max<std::int64_t>(holder.watchdog().count() / 3, 1));
  return StoppableThread::Start("alive", [&holder, &volumes, &life, pause](int stop) {
    while (!IsToStop(stop, pause)) {
      life.Prove();
      static_cast<void>(volumes.size());  // a publish needs this lock too
      static_cast<void>(holder.SayAlive());
    }
  });
}

Result<int> Serve(const CsiOptions& options, const std::string& socket) {
  auto signals = OpenStopSignals();
  if (!signals) return Fail(std::move(signals.error()));
  if (auto done = SetUpLog(options.log); !done) return Fail(std::move(done.error()));
  // The metrics are worth less than the volumes: those are served without them too. A confined
  // daemon may not listen.
  OwnedFd metrics;
  if (!options.metrics_address.empty()) {
    auto listener = ListenAtAddress(options.metrics_address);
    if (listener) {
      metrics = std::move(*listener);
    } else {
      LogError("no metrics until this daemon is started again",
               {{log_keys::kError, listener.error().message}});
    }
  }
  auto journal = PublishJournal::Open(options.state_dir);
  if (!journal) return Fail(std::move(journal.error()));
  auto config = client::ResolveClusterConfig(options.server);
  ConfineDaemon(MayRunProgram(config), {options.state_dir}, options.log);
  auto holder = HolderClient::Open();
  if (!holder) return Fail(std::move(holder.error()));
  auto life = HandoverMemory::Claim((*holder)->life());
  if (!life) return Fail(std::move(life.error()));
  // Before anything of the journal is mounted: whoever has the socket has the volumes too.
  OwnedFd csi_socket = (*holder)->TakeCsiSocket();
  if (!csi_socket) {
    return Fail(ErrorCode::kFailedPrecondition, "the holder could not bind " + socket);
  }
  auto access = OpenServer(std::move(config), /*cluster_wide=*/true);
  if (!access) return Fail(std::move(access.error()));
  PluginTally tally;  // requests and tasks in work count to the end
  auto loop = SessionLoop::Start(kServingThreads, kForBusySessions);
  if (!loop) return Fail(std::move(loop.error()));

  // In the order in which one needs the other.
  LanePool::Options fair;
  fair.budget = LanePool::BudgetOfNode();
  LanePool lanes(fair);
  ContentBudget budget;
  WorkerPool workers([client = holder->get()] { return client->NewPublisher(); });
  NodeObjects objects(*access, options.node);
  const AccessReviewer reviewer(access->transport);
  const VolumeParts parts = {objects, reviewer, **holder, workers, **loop, lanes, budget, tally};
  VolumeManager volumes({options.driver_name, options.kubelet_dir, options.review_interval}, parts,
                        std::move(*journal));
  auto alive = SignsOfLife(**holder, volumes, *life);  // it may take long to resume many
  if (!alive) return Fail(std::move(alive.error()));
  volumes.Start((*holder)->TakeVolumes());
  const OwnedFd gone(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!gone) return Fail(ErrnoError(errno, "eventfd"));
  auto listening =
      (*holder)->Start({[&](const std::string& id) { volumes.Detached(id); },
                        [&](FuseMount handed) { volumes.TakeHanded(std::move(handed)); },
                        [&] { eventfd_write(gone.get(), 1); }});
  if (!listening) return Fail(std::move(listening.error()));
  // If the supervisor has died meanwhile, its client says so; this process serves all the same.
  static_cast<void>((*holder)->SayServing());

  const PluginFacts facts = {options.driver_name, options.node, socket};
  IdentityService identity(facts, volumes);
  NodeService node(facts, volumes, tally);
  RegistrationService registration(facts);
  auto csi_server = CsiServer::Start(std::move(csi_socket), {&identity, &node});
  if (!csi_server) return Fail(std::move(csi_server.error()));
  std::unique_ptr<CsiServer> registration_server;
  if (OwnedFd registered = (*holder)->TakeRegistrationSocket()) {
    auto server = CsiServer::Start(std::move(registered), {&registration});
    if (!server) return Fail(std::move(server.error()));
    registration_server = std::move(*server);
  }
  std::unique_ptr<HttpEndpoint> endpoint;
  if (metrics) {
    auto started = HttpEndpoint::Start(
        std::move(metrics), PluginPages({volumes, objects, **holder, lanes, budget, tally}));
    if (!started) return Fail(std::move(started.error()));
    endpoint = std::move(*started);
  }
  std::unique_ptr<StartupTaint> taint;
  if (!options.startup_taint.empty()) {
    auto started = StartupTaint::Start(objects, options.driver_name, options.startup_taint);
    if (!started) return Fail(std::move(started.error()));
    taint = std::move(*started);
  }
  NotifySystemd("READY=1");
  LogInfo("serving", {{log_keys::kNode, options.node},
                      {log_keys::kServer, access->description},
                      {log_keys::kVersion, std::string(Version())}});
  pollfd stop[2] = {{signals->get(), POLLIN, 0}, {gone.get(), POLLIN, 0}};
  while (poll(stop, 2, -1) < 0 && errno == EINTR) {
  }
  csi_server->reset();
  registration_server.reset();
  if (stop[0].revents == 0) {
    // Without a supervisor nobody takes these volumes over: who uses them is served to the end. The
    // sockets are the next plugin's.
    volumes.LetGo();
    LogWarning("serving what is mounted until nobody uses it");
    while (!volumes.AllEnded() && poll(stop, 1, kLookForEnd) == 0) {
    }
  }
  LogInfo("ending");
  (*holder)->Stop();
  return 0;
}

Result<int> Run(const CsiOptions& options) {
  auto socket = SocketPath(options.endpoint);
  if (!socket) return Fail(std::move(socket.error()));
  if (options.probe) {
    if (auto ready = ProbePlugin(*socket, options.live); !ready)
      return Fail(std::move(ready.error()));
    return 0;
  }
  RaiseFileLimit();  // four descriptors for each volume
  LimitMemoryPools(kMemoryPools);
  return Serve(options, *socket);
}

Result<int> Main(int argc, char** argv) {
  CsiOptions options;
  CLI::App app("The daemon of `downwardfs csi`, which starts it.", "downwardfs-csi");
  app.formatter(HelpFormatter());
  app.set_version_flag("--version", "downwardfs-csi " + std::string(Version()));
  AddCsiFlags(&app, options);
  std::string wrong;
  try {
    app.parse(argc, argv);
    wrong = CsiContradiction(options);
  } catch (const CLI::Success& help) {
    std::ostringstream text;
    app.exit(help, text);
    auto written = WriteAll(STDOUT_FILENO, text.str(), "standard output");
    return written ? Result<int>(0) : Fail(std::move(written.error()));
  } catch (const CLI::ParseError& error) {
    wrong = error.what();
  }
  if (!wrong.empty()) {
    std::fprintf(stderr, "downwardfs csi: %s (see downwardfs csi --help)\n",
                 OneLine(wrong).c_str());
    return kWrongUsage;
  }
  FillInCsiPaths(options);
  return Run(options);
}

}  // namespace

int CsiMain(int argc, char** argv) {
  return RunMain("downwardfs csi", [&] { return Main(argc, argv); });
}

}  // namespace downwardfs
