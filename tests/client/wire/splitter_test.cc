// SPDX-License-Identifier: Apache-2.0
#include "client/wire/splitter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/client/capture.h"

namespace downwardfs::client {
namespace {

const TypeHint kPod{"Pod", "v1"};

// Everything a splitter says, as text, so that two runs are compared in one go.
class Transcript {
 public:
  Status Item(const ObjectView& view) {
    Add("item", view);
    return {};
  }
  Status Event(const WatchEvent& event) {
    Add("event" + std::to_string(static_cast<int>(event.type)), event.object);
    return {};
  }
  void Done(const Result<ListMeta>& meta) {
    text_ += meta ? "rv=" + meta->resource_version + " continue=" + meta->continue_token +
                        " n=" + std::to_string(meta->items)
                  : "error: " + meta.error().message;
  }
  void Done(const Status& status) { text_ += status ? "end" : "error: " + status.error().message; }
  const std::string& text() const { return text_; }

 private:
  void Add(const std::string& what, const ObjectView& view) {
    for (const std::string_view part :
         {std::string_view(what), view.kind, view.api_version, view.ns, view.name, view.uid,
          view.resource_version, view.json}) {
      text_ += std::string(part) + "|";
    }
    text_ += view.initial_events_end ? "initial-events-end\n" : "\n";
  }
  std::string text_;
};

// Feeds the chunks to `splitter`, which tells `transcript`.
template <class Splitter>
std::string Split(Splitter splitter, Transcript& transcript,
                  std::initializer_list<std::string_view> chunks) {
  for (const auto chunk : chunks) (void)splitter.Feed(chunk);
  transcript.Done(splitter.Finish());
  return transcript.text();
}

std::string SplitList(std::initializer_list<std::string_view> chunks, SplitterLimits limits = {}) {
  Transcript transcript;
  return Split(ListSplitter(
                   kPod, [&](const ObjectView& v) { return transcript.Item(v); }, limits),
               transcript, chunks);
}

std::string SplitWatch(std::initializer_list<std::string_view> chunks, SplitterLimits limits = {}) {
  Transcript transcript;
  return Split(WatchSplitter(
                   kPod, [&](const WatchEvent& e) { return transcript.Event(e); }, limits),
               transcript, chunks);
}

TEST(ListSplitterTest, CaptureGivesItemsWithoutManagedFields) {
  const std::string body = CaptureBody("list-page-1.http");
  std::vector<std::string> names;
  ListSplitter splitter(kPod, [&](const ObjectView& view) -> Status {
    names.push_back(std::string(view.ns) + "/" + std::string(view.name));
    EXPECT_EQ(view.kind, "Pod");
    EXPECT_TRUE(view.json.starts_with(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")"));
    EXPECT_EQ(view.json.find("managedFields"), std::string_view::npos);
    return {};
  });
  ASSERT_TRUE(splitter.Feed(body));
  const auto meta = splitter.Finish();
  ASSERT_TRUE(meta) << meta.error().message;
  EXPECT_EQ(names, (std::vector<std::string>{"default/downward-volume", "default/p1"}));
  EXPECT_EQ(meta->resource_version, "332");
  EXPECT_FALSE(meta->continue_token.empty());
}

TEST(ListSplitterTest, EverySplitPointOfTheCapturesGivesTheSame) {
  for (const char* file : {"list-page-1.http", "list-page-2.http", "list-one-pod.http"}) {
    const std::string body = CaptureBody(file);
    const std::string whole = SplitList({body});
    EXPECT_EQ(whole.find("error"), std::string::npos) << file;
    for (std::size_t at = 0; at <= body.size(); ++at) {
      const std::string_view view(body);
      ASSERT_EQ(SplitList({view.substr(0, at), view.substr(at)}), whole) << file << " at " << at;
    }
  }
}

TEST(WatchSplitterTest, EverySplitPointOfEachCapturedEventGivesTheSame) {
  const std::string body = CaptureBody("watch-chunked.http");
  // One long stream in which each event comes once per split point.
  Transcript transcript;
  WatchSplitter splitter(kPod, [&](const WatchEvent& e) { return transcript.Event(e); });
  std::string_view rest(body);
  int events = 0;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n') + 1);
    transcript = Transcript();
    ASSERT_TRUE(splitter.Feed(line));
    const std::string whole = transcript.text();
    EXPECT_EQ(std::count(whole.begin(), whole.end(), '\n'), 1);
    for (std::size_t at = 0; at <= line.size(); ++at) {
      transcript = Transcript();
      ASSERT_TRUE(splitter.Feed(line.substr(0, at)));
      ASSERT_TRUE(splitter.Feed(line.substr(at)));
      ASSERT_EQ(transcript.text(), whole);
    }
    rest.remove_prefix(line.size());
    ++events;
  }
  EXPECT_EQ(events, 19);
  EXPECT_TRUE(splitter.Finish());
}

TEST(WatchSplitterTest, AnyChunkSizeGivesTheSame) {
  const std::string body = CaptureBody("watch-chunked.http");
  const std::string whole = SplitWatch({body});
  EXPECT_TRUE(whole.ends_with("end"));
  for (const std::size_t size : {1U, 2U, 3U, 7U, 63U, 64U, 1000U, 4096U, 16384U}) {
    Transcript transcript;
    WatchSplitter splitter(kPod, [&](const WatchEvent& e) { return transcript.Event(e); });
    for (std::size_t at = 0; at < body.size(); at += size) {
      ASSERT_TRUE(splitter.Feed(std::string_view(body).substr(at, size)));
    }
    transcript.Done(splitter.Finish());
    ASSERT_EQ(transcript.text(), whole) << size;
  }
}

TEST(WatchSplitterTest, ExpiredCaptureIsAnErrorEvent) {
  const std::string text = SplitWatch({CaptureBody("watch-expired-410.http")});
  EXPECT_TRUE(text.starts_with("event4|Status|v1|")) << text;
  EXPECT_NE(text.find("\"code\":410"), std::string::npos);
}

TEST(ListSplitterTest, TheListSaysWhatItsItemsAre) {
  EXPECT_EQ(
      SplitList({R"({"kind":"NodeList","apiVersion":"v9","items":[{"metadata":{"name":"n"}}],)"
                 R"("metadata":{"resourceVersion":"7"}})"}),
      "item|Node|v9||n|||{\"kind\":\"Node\",\"apiVersion\":\"v9\",\"metadata\":{\"name\":\"n\"}}|"
      "\n"
      "rv=7 continue= n=1");
  // Items first: the hint stands. An item that names its own kind keeps it.
  EXPECT_TRUE(SplitList({R"({"items":[{"metadata":{"name":"n"}}],"kind":"NodeList"})"})
                  .starts_with("item|Pod|v1||n|"));
  EXPECT_TRUE(
      SplitList(
          {R"({"kind":"List","items":[{"kind":"X","apiVersion":"g/v1","metadata":{"name":"n"}}]})"})
          .starts_with("item|X|g/v1||n|"));
}

TEST(ListSplitterTest, EmptyListsAreLists) {
  EXPECT_EQ(SplitList({R"({"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]})"}),
            "rv=1 continue= n=0");
  EXPECT_EQ(SplitList({R"( {"kind":"PodList","items":null,"metadata":{}} )"}), "rv= continue= n=0");
}

TEST(ListSplitterTest, ManagedFieldsGoWithTheirComma) {
  const auto kept = [](const std::string& metadata) {
    std::string json;
    ListSplitter splitter(kPod, [&](const ObjectView& view) -> Status {
      json = view.json;
      return {};
    });
    (void)splitter.Feed(
        R"({"kind":"PodList","items":[{"kind":"Pod","apiVersion":"v1","metadata":)" + metadata +
        "}]}");
    const auto meta = splitter.Finish();
    return meta ? json.substr(json.find("metadata") + 10) : meta.error().message;
  };
  EXPECT_EQ(kept(R"({"name":"a","managedFields":[{"a":[1]}]})"), R"({"name":"a"}})");
  EXPECT_EQ(kept(R"({"managedFields":[],"name":"a"})"), R"({"name":"a"}})");
  EXPECT_EQ(kept("{\"name\" : \"a\" ,\n \"managedFields\" : [ {} ] ,\n \"uid\" : \"u\"}"),
            "{\"name\" : \"a\" ,\n \"uid\" : \"u\"}}");
  EXPECT_EQ(kept(R"({"name":"a","managedFields":null})"), R"({"name":"a","managedFields":null}})");
}

TEST(SplitterTest, BytesThatAreNotUtf8StayWithinTheirObject) {
  const std::string text = SplitWatch(
      {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"annotations\":{\"x\":"
       "\"\xe2\x98\"},\"managedFields\":[1]}}}"});
  EXPECT_NE(text.find("\"annotations\":{\"x\":\"\xe2\x98\"}}}|"), std::string::npos) << text;
}

TEST(SplitterTest, WhatIsWrongIsSaid) {
  struct Case {
    std::string text;
    std::string message;
  };
  const std::string head = R"({"kind":"PodList","items":[)";
  for (const auto& [text, message] : std::vector<Case>{
           {"<html>", "error: found \"<\" where a list must stand"},
           {"", "error: the list ends in its middle, after 0 items"},
           {head + R"({"metadata":{"name":"a"}})", "ends in its middle, after 1 items"},
           {head + R"({"metadata":{"name":"a")", "ends in its middle, after 0 items"},
           {head + R"({"metadata":{"name":"a"}]}]})", "items[0]: not valid JSON: brackets"},
           {head + R"({"metadata":{"name":"a"},"x":nul}]})", "items[0]: not valid JSON"},
           {head + R"({"metadata":{}}]})", "items[0]: has no metadata.name"},
           {head + "1]}", "where an item of the list must stand"},
           {head + R"({"metadata":{"name":"a"}},]})", "where an item of the list must stand"},
           {head + R"({"metadata":{"name":"a"}}{"metadata":{}}]})",
            "an item of the list must stand"},
           {head + "]}x", "where the end of the list must stand"},
           {R"({"kind":"Status","code":500})", "of kind \"Status\", not a list"},
           {R"({"kind":"PodList","items":[] "metadata":{}})",
            "the list's metadata: not valid JSON"},
       }) {
    EXPECT_NE(SplitList({text}).find(message), std::string::npos) << SplitList({text});
  }
  for (const auto& [text, message] : std::vector<Case>{
           {"garbage", "error: found \"g\" where a watch event must stand"},
           {R"({"type":"ADDED","object":{"metadata":{"name":"a)", "ends within event 1"},
           {R"({"type":"ADDED","object":{"metadata":{"name":"\u00)", "ends within event 1"},
           {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"\xe2\x98",
            "ends within event 1"},
           {R"({"type":"NEW","object":{}})", "event 1: event of unknown type \"NEW\""},
           {R"({"type":"ADDED"})", "event 1: event without an object"},
           {R"({"type":"ADDED","object":null})", "event 1: event without an object"},
           {R"({"type":"ADDED","object":{}})", "event 1: its object has no metadata.name"},
       }) {
    EXPECT_NE(SplitWatch({text}).find(message), std::string::npos) << SplitWatch({text});
  }
}

TEST(SplitterTest, SizeAndDepthAreBounded) {
  const SplitterLimits small{.object_bytes = 100, .envelope_bytes = 200};
  const std::string big(200, 'x');
  EXPECT_NE(SplitWatch({R"({"type":")" + big}, small).find("event 1: larger than the limit of 100"),
            std::string::npos);
  EXPECT_NE(SplitList({R"({"kind":")" + big}, small).find("metadata is larger than the limit"),
            std::string::npos);
  EXPECT_NE(SplitWatch({std::string(5000, '{')}).find("nested deeper than 1000"),
            std::string::npos);
  EXPECT_NE(SplitList({R"({"items":[{"a":)" + std::string(5000, '[')}).find("nested deeper"),
            std::string::npos);
}

TEST(SplitterTest, TheHandlersErrorIsFinal) {
  int calls = 0;
  WatchSplitter splitter(kPod, [&](const WatchEvent&) -> Status {
    ++calls;
    return Fail(ErrorCode::kCancelled, "enough");
  });
  const std::string event = R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"5"}}})";
  EXPECT_FALSE(splitter.Feed(event + event));
  EXPECT_FALSE(splitter.Feed(event));
  EXPECT_EQ(splitter.Finish().error().message, "enough");
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace downwardfs::client
