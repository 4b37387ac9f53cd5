// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/http2_server.h"

#include <sys/socket.h>

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/worker_thread.h"
#include "tests/fakes/loopback_listener.h"

namespace downwardfs {
namespace {

constexpr std::size_t kPreface = 24;  // "PRI * HTTP/2.0" and what follows
constexpr std::size_t kFrameHead = 9;

enum FrameType : unsigned char {
  kData = 0,
  kHeaders = 1,
  kReset = 3,
  kSettings = 4,
  kPing = 6,
  kGoAway = 7
};
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

// As Go's server before it closes a connection: requests under way are served, new ones should come
// over another one.
void WriteGoAway(SSL* ssl) {
  WriteFrame(ssl, kGoAway, 0, 0, std::string_view("\x7f\xff\xff\xff\0\0\0\0", 8));
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

/// A connection and the thread that serves it.
struct Http2Server::Connection {
  explicit Connection(OwnedFd socket) : fd(std::move(socket)) {}
  ~Connection() { shutdown(fd.get(), SHUT_RDWR); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  OwnedFd fd;
  std::unique_ptr<WorkerThread> thread;  ///< last: joined before the rest goes
};

Http2Server::Http2Server(Bodies bodies, Faults faults)
    : bodies_(std::move(bodies)), faults_(faults) {
  context_ = MakeServerContext(authority_.Issue("api", "IP:127.0.0.1"), authority_.pem());
  SSL_CTX_set_alpn_select_cb(context_.get(), &ChooseH2, nullptr);
  listener_ = testing::ListenOnLoopback(&port_);
  thread_ = *StoppableThread::Start("fake-http2", [this](int stop) { Accept(stop); });
}

Http2Server::~Http2Server() {
  thread_.Stop();
}

void Http2Server::WaitForRequests(std::size_t count) const {
  for (std::size_t seen = requests_; seen < count; seen = requests_) requests_.wait(seen);
}

void Http2Server::Accept(int stop) {
  while (OwnedFd fd = testing::NextConnection(listener_, stop)) {
    const bool first = connections_++ == 0;
    open_.push_back(std::make_unique<Connection>(std::move(fd)));
    Connection& connection = *open_.back();
    connection.thread =
        std::make_unique<WorkerThread>("fake-http2-conn", [this, &connection, first] {
          const std::unique_ptr<SSL, void (*)(SSL*)> ssl(SSL_new(context_.get()), &SSL_free);
          SSL_set_fd(ssl.get(), connection.fd.get());
          if (SSL_accept(ssl.get()) != 1) return;
          if (first && faults_.first_is_dead) return;  // stays open, unread
          Serve(ssl.get(), first);
        });
  }
  open_.clear();
}

// HPACK (RFC 7541): ":status: 200" is entry 8 of the static table; "content-type" is entry 31 and
// "content-encoding" entry 26, here with literal values that are not to be indexed.
void Http2Server::WriteHead(SSL* ssl, std::uint32_t stream) const {
  std::string block = "\x88";
  const auto field = [&block](char name, std::string_view value) {
    block += '\x0f';
    block += static_cast<char>(name - 15);
    block += static_cast<char>(value.size());
    block += value;
  };
  field(31, "application/json");
  if (!bodies_.encoding.empty()) field(26, bodies_.encoding);
  WriteFrame(ssl, kHeaders, kEndHeaders, stream, block);
}

void Http2Server::WriteAnswer(SSL* ssl, std::uint32_t stream) const {
  const Manner manner = bodies_.manner;
  const bool ends = manner != Manner::kTrailers && manner != Manner::kResetInstead;
  WriteFrame(ssl, kData, ends ? kEndStream : 0, stream, bodies_.answer);
  if (manner == Manner::kTrailers) {
    // "x-sum: 1", with a literal name.
    WriteFrame(ssl, kHeaders, kEndHeaders | kEndStream, stream,
               std::string_view("\0\5x-sum\1"
                                "1",
                                9));
  } else if (!ends || manner == Manner::kResetAfter) {
    WriteFrame(ssl, kReset, 0, stream, std::string_view("\0\0\0\0", 4));
  }
}

void Http2Server::Serve(SSL* ssl, bool first) {
  std::string preface;
  if (!ReadExactly(ssl, kPreface, &preface)) return;
  constexpr std::string_view kOneStream("\0\3\0\0\0\1", 6);
  WriteFrame(ssl, kSettings, 0, 0, faults_.one_stream ? kOneStream : std::string_view());
  const bool has_watch = first && !faults_.first_is_dead && bodies_.manner == Manner::kPlain;
  std::uint32_t watch = 0;
  std::size_t answers_left = first ? faults_.first_answers : static_cast<std::size_t>(-1);
  for (Frame frame; ReadFrame(ssl, &frame);) {
    if (frame.type == kSettings && (frame.flags & kAck) == 0) {
      WriteFrame(ssl, kSettings, kAck, 0, "");
    } else if (frame.type == kPing && (frame.flags & kAck) == 0 && answers_left > 0) {
      WriteFrame(ssl, kPing, kAck, 0, frame.payload);
    } else if (frame.type == kHeaders) {
      ++requests_;
      requests_.notify_all();
      if (answers_left == 0) continue;
      --answers_left;
      // ":status: 103": the name is entry 8, the value literal.
      const std::string_view hints(
          "\x08\x03"
          "103",
          5);
      if (bodies_.manner == Manner::kEarlyHints) {
        WriteFrame(ssl, kHeaders, kEndHeaders, frame.stream, hints);
      }
      WriteHead(ssl, frame.stream);
      if (watch == 0 && has_watch) {
        watch = frame.stream;
        if (!bodies_.watch_begin.empty()) WriteFrame(ssl, kData, 0, watch, bodies_.watch_begin);
        continue;
      }
      WriteAnswer(ssl, frame.stream);
      if (faults_.goaway) WriteGoAway(ssl);
      if (has_watch && !faults_.endless_watch) {
        WriteFrame(ssl, kData, kEndStream, watch, bodies_.watch_end);
      }
    }
  }
}

}  // namespace downwardfs
