// SPDX-License-Identifier: Apache-2.0
// The handover memory, as a daemon that goes on with a mount reads it. The input's first byte
// chooses the layout. Pieces follow, each with its kind and length (a byte and two): a record of
// the log, which gets a good checksum; the request in a slot; the saved FUSE_INIT; an edit of the
// header. A memory is refused with kFailedPrecondition, or all that can be asked is answered, and a
// daemon after that one reads the same state.
#include <sys/socket.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "fs/fuse/kernel_session.h"
#include "fs/fuse/request_recovery.h"
#include "fs/volume/kubelet_layout.h"
#include "fs/volume/live_layout.h"

namespace downwardfs {
namespace {

enum class Piece : unsigned char { kRecord, kSlot, kInit, kHeader, kCount };

const OwnedFd& MemoryFile() {
  static const OwnedFd fd = *HandoverMemory::Create();
  return fd;
}

void Require(bool holds, const std::string& why = "", int line = __builtin_LINE()) {
  if (holds) return;
  std::fprintf(stderr, "line %d: %s\n", line, why.c_str());
  std::abort();
}

// As it is after Create(): mapping a new one for each input would take most of the time.
void Empty(const HandoverMemory& memory) {
  HandoverHeader& header = memory.header();
  header.current = 0;
  header.init_size = 0;
  header.init_checksum = 0;
  header.lost = 0;
  header.readers_lost = 0;
  for (std::uint32_t i = 0; i < kMaxSlots; ++i) {
    header.slot[i].done = 0;
    header.slot[i].working = 0;
    std::memset(memory.slot(i), 0, sizeof(std::uint64_t) * 2);
  }
  for (HandoverArea& area : header.area) area.used = 0;
}

void PutPiece(const HandoverMemory& memory, HandoverLog& log, Piece piece, std::string_view bytes) {
  HandoverHeader& header = memory.header();
  switch (piece) {
    case Piece::kRecord:
      log.Add(RecordWriter().Raw(bytes));
      break;
    case Piece::kSlot:
      if (!bytes.empty()) {
        const auto slot = static_cast<unsigned char>(bytes[0]) % kMaxSlots;
        bytes.substr(1, kSlotBytes).copy(reinterpret_cast<char*>(memory.slot(slot)), kSlotBytes);
      }
      break;
    case Piece::kInit:
      bytes = bytes.substr(0, sizeof header.init);
      bytes.copy(reinterpret_cast<char*>(header.init), bytes.size());
      header.init_size = static_cast<std::uint32_t>(bytes.size());
      break;
    default:
      // The words that a daemon writes now and then.
      if (bytes.size() >= 3) {
        header.slot[static_cast<unsigned char>(bytes[0]) % kMaxSlots].done =
            static_cast<unsigned char>(bytes[1]);
        header.readers_lost = static_cast<unsigned char>(bytes[2]) % 5;
      }
  }
}

void Fill(const HandoverMemory& memory, std::string_view bytes) {
  HandoverLog log(memory);
  while (bytes.size() >= 3) {
    const auto piece = static_cast<Piece>(static_cast<unsigned char>(bytes[0]) %
                                          static_cast<unsigned char>(Piece::kCount));
    std::uint16_t size = 0;
    std::memcpy(&size, bytes.data() + 1, sizeof size);
    bytes.remove_prefix(3);
    PutPiece(memory, log, piece, bytes.substr(0, size));
    bytes.remove_prefix(std::min<std::size_t>(size, bytes.size()));
  }
  log.Commit();
}

// Requests and changes as they come.
template <class Layout>
void Use(Layout& layout) {
  for (const char* const name : {"..data", "..data_tmp", "a", "b", "d", "..v1"}) {
    if (const auto found = layout.Lookup(kRootInode, name)) {
      layout.Lookup(found->id, "a");
      layout.ForgetOne(found->id, 1);
    }
  }
  for (InodeId id = 0; id < 40; ++id) {
    layout.Attr(id);
    layout.List(id, 0, true);
    layout.ReadLink(id);
    layout.File(id);
    layout.ForgetOne(id, id);
  }
  layout.Apply(layout.Armed());
  layout.TakeBack(99);
  layout.GetStats();
}

VolumeVersionPtr NextVersion() {
  return VolumeVersion::Make({{"a", "next", 0644, "", ""}, {"d/c", "next", 0600, "", ""}}, "..next",
                             std::chrono::system_clock::now());
}

void Change(KubeletLayout& layout) {
  const auto flip = layout.Stage(NextVersion(), "9");
  layout.Show(flip);
  for (const auto& [version, name] : layout.RetiredVersions()) {
    layout.KnownFiles(version);
    layout.KnownDirectories(version);
    layout.Orphan(version);
    layout.ShowAlias(version);
    layout.Expire(version);
  }
}

void Change(LiveLayout& layout) {
  for (std::uint64_t handle = 0; handle < 12; ++handle) {
    layout.Opened(handle);
    layout.CloseFile(handle);
  }
  layout.ShowNames(layout.Stage(NextVersion(), "9"));
  layout.Unfinished();
}

template <class Layout>
void Resume(const HandoverMemory& memory) {
  if (!memory.BeginReading()) return;
  Layout layout{Ownership{}, {}};
  const auto read = layout.ResumeFrom(std::make_unique<HandoverLog>(memory));
  if (!read) return Require(read.error().code == ErrorCode::kFailedPrecondition);
  RequestRecovery recovery(memory, layout);
  RequestCounters counters;
  SessionContext context;
  context.file_system = &layout;
  context.counters = &counters;
  context.recovery = &recovery;
  context.status = [] { return std::string("{}"); };
  int ends[2] = {-1, -1};
  Require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
  const OwnedFd kernel(ends[0]);
  const auto session = KernelSession::Resume(OwnedFd(ends[1]), context, true, {});
  if (!session) return Require(session.error().code == ErrorCode::kFailedPrecondition);
  Use(layout);
  Change(layout);
  Layout next{Ownership{}, {}};
  const auto reread = next.ResumeFrom(std::make_unique<HandoverLog>(memory));
  Require(reread.has_value(), reread ? "" : reread.error().message);
  Require(next.GetStats().lookups == layout.GetStats().lookups);
}

}  // namespace
}  // namespace downwardfs

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace downwardfs;
  if (size == 0) return 0;
  const auto memory = HandoverMemory::Map(MemoryFile().get());
  Require(memory.has_value());
  Empty(*memory);
  Fill(*memory, {reinterpret_cast<const char*>(data) + 1, size - 1});
  if (data[0] % 2 == 0) {
    Resume<KubeletLayout>(*memory);
  } else {
    Resume<LiveLayout>(*memory);
  }
  Empty(*memory);
  return 0;
}
