// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/http2_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/fakes/loopback_listener.h"

namespace downwardfs {
namespace {

constexpr std::size_t kPreface = 24;  // "PRI * HTTP/2.0" and what follows
constexpr std::size_t kFrameHead = 9;

enum FrameType : unsigned char { kData = 0, kHeaders = 1, kSettings = 4, kPing = 6 };
constexpr unsigned char kEndStream = 1;
constexpr unsigned char kAck = 1;
constexpr unsigned char kEndHeaders = 4;

struct Frame {
  unsigned char type = 0;
  unsigned char flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};

bool ReadExactly(SSL* ssl, std::size_t size, std::string* bytes) {
  bytes->resize(size);
  for (std::size_t at = 0; at < size;) {
    const int n = SSL_read(ssl, bytes->data() + at, static_cast<int>(size - at));
    if (n <= 0) return false;
    at += static_cast<std::size_t>(n);
  }
  return true;
}

bool ReadFrame(SSL* ssl, Frame* frame) {
  std::string head;
  if (!ReadExactly(ssl, kFrameHead, &head)) return false;
  const auto byte = [&head](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(head[i]));
  };
  frame->type = static_cast<unsigned char>(head[3]);
  frame->flags = static_cast<unsigned char>(head[4]);
  frame->stream = (byte(5) << 24 | byte(6) << 16 | byte(7) << 8 | byte(8)) & 0x7fffffffU;
  return ReadExactly(ssl, byte(0) << 16 | byte(1) << 8 | byte(2), &frame->payload);
}

void WriteFrame(SSL* ssl, unsigned char type, unsigned char flags, std::uint32_t stream,
                std::string_view payload) {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(payload.size() >> shift & 255);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift & 255);
  bytes += payload;
  SSL_write(ssl, bytes.data(), static_cast<int>(bytes.size()));
}

// HPACK (RFC 7541): ":status: 200" is entry 8 of the static table; "content-type" is entry 31,
// here with a literal value that is not to be indexed.
void WriteHead(SSL* ssl, std::uint32_t stream) {
  constexpr std::string_view kType = "application/json";
  std::string block = "\x88\x0f\x10";
  block += static_cast<char>(kType.size());
  block += kType;
  WriteFrame(ssl, kHeaders, kEndHeaders, stream, block);
}

int ChooseH2(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
             unsigned in_size, void*) {
  static constexpr unsigned char kH2[] = {2, 'h', '2'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kH2, sizeof kH2, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // no other protocol is spoken here
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Http2Server::Http2Server(Bodies bodies, bool first_is_dead)
    : bodies_(std::move(bodies)), first_is_dead_(first_is_dead), stop_(eventfd(0, EFD_CLOEXEC)) {
  context_ = MakeServerContext(authority_.Issue("api", "IP:127.0.0.1"), authority_.pem());
  SSL_CTX_set_alpn_select_cb(context_.get(), &ChooseH2, nullptr);
  listener_ = testing::ListenOnLoopback(&port_);
  thread_ = std::make_unique<WorkerThread>("fake-http2", [this] { Accept(); });
}

Http2Server::~Http2Server() {
  const std::uint64_t one = 1;
  (void)!write(stop_.get(), &one, sizeof one);
  thread_.reset();
}

void Http2Server::Accept() {
  // Kept open, unread.
  OwnedFd dead_fd;
  std::unique_ptr<SSL, void (*)(SSL*)> dead(nullptr, &SSL_free);
  for (;;) {
    pollfd fds[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    OwnedFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    ++connections_;
    SSL* const ssl = SSL_new(context_.get());
    SSL_set_fd(ssl, fd.get());
    const bool accepted = SSL_accept(ssl) == 1;
    if (accepted && first_is_dead_ && dead == nullptr) {
      dead_fd = std::move(fd);
      dead.reset(ssl);
      continue;
    }
    if (accepted) Serve(ssl);
    SSL_free(ssl);
  }
}

void Http2Server::Serve(SSL* ssl) {
  std::string preface;
  if (!ReadExactly(ssl, kPreface, &preface)) return;
  WriteFrame(ssl, kSettings, 0, 0, "");
  std::uint32_t watch = 0;
  for (Frame frame; ReadFrame(ssl, &frame);) {
    if (frame.type == kSettings && (frame.flags & kAck) == 0) {
      WriteFrame(ssl, kSettings, kAck, 0, "");
    } else if (frame.type == kPing && (frame.flags & kAck) == 0) {
      WriteFrame(ssl, kPing, kAck, 0, frame.payload);
    } else if (frame.type == kHeaders) {
      ++requests_;
      WriteHead(ssl, frame.stream);
      if (watch == 0 && !first_is_dead_) {
        watch = frame.stream;
        WriteFrame(ssl, kData, 0, watch, bodies_.watch_begin);
        continue;
      }
      WriteFrame(ssl, kData, kEndStream, frame.stream, bodies_.answer);
      if (!first_is_dead_) WriteFrame(ssl, kData, kEndStream, watch, bodies_.watch_end);
    }
  }
}

}  // namespace downwardfs
