// SPDX-License-Identifier: Apache-2.0
#include "fs/fuse/extended_attributes.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>

#include "fs/fuse/fuse_replies.h"
#include "fs/fuse/operations.h"
#include "fs/fuse/public_status.h"

namespace downwardfs {
namespace {

using RequestKind = RequestCounters::Kind;

// An ordinary user's own mount: all that it shows is that user's.
bool IsMountOwner(fuse_req_t request, const SessionContext& context) {
  const uid_t owner = geteuid();
  return owner != 0 && context.recovery == nullptr && fuse_req_ctx(request)->uid == owner;
}

// An attribute that asks for the status.
struct StatusQuestion {
  bool full = false;
  std::string_view page;  // with a word before it (status_pages.h); empty: the whole status at once
};

std::optional<StatusQuestion> AsStatusQuestion(std::string_view name) {
  for (const bool full : {true, false}) {
    const std::string_view attribute = full ? kFullStatusXattr : kStatusXattr;
    if (!name.starts_with(attribute)) continue;
    const std::string_view rest = name.substr(attribute.size());
    if (rest.empty()) return StatusQuestion{full, ""};
    if (rest.size() > 1 && rest[0] == '.') return StatusQuestion{full, rest.substr(1)};
  }
  return std::nullopt;
}

// Not counted: looking at the counters must not change them.
void ReplyStatus(fuse_req_t request, SessionContext& context, const StatusQuestion& question,
                 std::size_t size) {
  const bool all = question.full || IsMountOwner(request, context);
  const auto status = [&context, all] {
    const std::string full = context.status ? context.status() : "{}";
    return all ? full : PublicStatus(full);
  };
  if (question.page.empty()) {
    ReplyXattr(request, status(), size);
    return;
  }
  StatusPages& pages = all ? context.full_status_pages : context.public_status_pages;
  if (const auto page = pages.Page(question.page, status)) {
    ReplyXattr(request, *page, size);
  } else {
    fuse_reply_err(request, ENODATA);
  }
}

}  // namespace

void GetExtendedAttribute(fuse_req* request, std::uint64_t inode, const char* name,
                          std::size_t size) {
  SessionContext& context = ContextOf(fuse_req_userdata(request));
  const std::string_view wanted = name;
  if (inode == kRootInode) {
    if (const auto question = AsStatusQuestion(wanted)) {
      ReplyStatus(request, context, *question, size);
      return;
    }
  }
  context.counters->Count(RequestKind::kGetxattr);
  const bool source = wanted == kSourceXattr;
  // Every `ls -l` asks for the attributes of security modules.
  const bool ours = source || wanted == kResourceVersionXattr;
  if (const auto origin = ours ? context.file_system->OriginOf(inode) : std::nullopt) {
    ReplyXattr(request, source ? origin->source : origin->resource_version, size);
  } else {
    fuse_reply_err(request, ENODATA);
  }
}

void ListExtendedAttributes(fuse_req* request, std::uint64_t inode, std::size_t size) {
  SessionContext& context = ContextOf(fuse_req_userdata(request));
  context.counters->Count(RequestKind::kListxattr);
  std::string names;
  if (context.file_system->OriginOf(inode)) {
    for (const char* name : {kSourceXattr, kResourceVersionXattr}) {
      names += name;
      names += '\0';
    }
  }
  ReplyXattr(request, names, size);
}

}  // namespace downwardfs
