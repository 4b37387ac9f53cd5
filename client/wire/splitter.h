// SPDX-License-Identifier: Apache-2.0
//
// Splits the body of a List into its items and the body of a watch into its events, while the bytes
// come in, in whatever chunks. No I/O, and memory for one object: a list of 100,000 pods is never
// held whole. Objects are found by matching brackets (json_scanner) and read by simdjson
// (object_decoder); a first idea, simdjson's own document stream, wants a list in one piece.
// Each splitter belongs to one response; one thread at a time. Shapes: Kubernetes API conventions,
// metav1.List and metav1.WatchEvent.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/wire/json_scanner.h"
#include "client/wire/object_decoder.h"

namespace downwardfs::client {

/// Bounds on the bytes that a hostile or broken server can make us hold.
struct SplitterLimits {
  /// etcd takes 1.5 MB per object by default and JSON is larger than what it stores.
  std::size_t object_bytes = std::size_t{8} << 20;
  /// The bytes around the items of a list.
  std::size_t envelope_bytes = std::size_t{1} << 20;
  /// Of one list with all its pages, and of what is held of a collection.
  std::size_t objects = 2'000'000;
  std::size_t all_bytes = std::size_t{16} << 30;
};

/// The metadata of a List.
struct ListMeta {
  std::string resource_version;
  std::string continue_token;  ///< empty: this was the last page
  std::size_t items = 0;
};

/// Collects one object's bytes. The common half of both splitters.
class ObjectCollector {
 public:
  explicit ObjectCollector(std::size_t limit) : limit_(limit) {}

  bool collecting() const { return collecting_; }
  /// Takes bytes up to the end of the object (the first call starts it at its bracket) and removes
  /// them from `bytes`. True once the object is complete: then it stands in Json().
  Result<bool> Take(std::string_view* bytes);
  /// The complete object, with the padding that the decoder wants behind it.
  std::string_view Json() const;

 private:
  std::size_t limit_;
  bool collecting_ = false;
  JsonScanner scanner_;
  std::string buffer_;
};

/// Splits one List response.
class ListSplitter {
 public:
  using ItemHandler = std::function<Status(const ObjectView&)>;

  /// `hint`: what the items are, where neither they nor the list's kind ("PodList") say it.
  ListSplitter(TypeHint hint, ItemHandler handler, SplitterLimits limits = {});

  /// An error (of the bytes or of the handler) is final: every later call returns it again.
  Status Feed(std::string_view bytes);

  /// Call at the end of the body. kUnavailable if it ends within the list.
  Result<ListMeta> Finish();

 private:
  enum class Place { kStart, kEnvelope, kItems, kAfter };

  Status Advance(std::string_view* bytes);
  Status EnvelopeByte(char c);
  Status ItemsByte(std::string_view* bytes);
  Status OnItem();
  void StartItems();

  TypeHint hint_;
  ItemHandler handler_;
  SplitterLimits limits_;
  ObjectCollector collector_;
  ObjectDecoder decoder_;
  Place place_ = Place::kStart;
  bool failed_ = false;
  Error error_;

  // The envelope: the list without its items. Keys are followed at depth 1 only.
  std::string envelope_;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  std::string last_string_;  // at depth 1
  std::string key_;          // its value comes next

  bool comma_seen_ = false;
  bool item_expected_ = true;
  std::size_t items_ = 0;
};

enum class EventType { kAdded, kModified, kDeleted, kBookmark, kError };

/// One watch event. The views live during the handler's call.
struct WatchEvent {
  EventType type = EventType::kError;
  /// The object; for kBookmark one with little more than a resourceVersion; for kError the
  /// metav1.Status, in `object.json`.
  ObjectView object;
};

/// Splits one watch response.
class WatchSplitter {
 public:
  using EventHandler = std::function<Status(const WatchEvent&)>;

  WatchSplitter(TypeHint hint, EventHandler handler, SplitterLimits limits = {});

  /// As ListSplitter::Feed.
  Status Feed(std::string_view bytes);

  /// Call at the end of the body. kUnavailable if it ends within an event.
  Status Finish();

 private:
  Status Advance(std::string_view* bytes);

  TypeHint hint_;
  EventHandler handler_;
  ObjectCollector collector_;
  ObjectDecoder decoder_;
  bool failed_ = false;
  Error error_;
  std::size_t events_ = 0;
};

}  // namespace downwardfs::client
