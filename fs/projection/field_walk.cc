// SPDX-License-Identifier: Apache-2.0
#include "fs/projection/field_walk.h"

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "fs/projection/field_path.h"
#include "fs/projection/json_access.h"

namespace downwardfs {
namespace {

using Shape = SchemaType::Shape;
using StepKind = PathStep::Kind;

// By shape: its name in a message, and how a path goes on below it.
struct ShapeWords {
  std::string_view name;
  std::string_view how_to_go_on;
};
constexpr ShapeWords kShapes[] = {
    {"a scalar", ""},
    {"an object", ": name one of its fields with '.'"},
    {"a list", ": choose an element with [index] or [key=value]"},
    {"a map", ": choose an entry with ['key'] at the end of the path"},
};

const ShapeWords& WordsOf(Shape shape) {
  return kShapes[static_cast<int>(shape)];
}

class Walk {
 public:
  Walk(std::string_view path, const Json* pod, UnknownFields unknown)
      : path_(path), newer_(unknown == UnknownFields::kEmpty), at_{PodSchema(), pod} {}

  Result<FieldTarget> Run() {
    auto steps = ParseFieldPath(path_);
    if (!steps) return Fail(std::move(steps.error()));
    for (const PathStep& step : *steps) {
      if (auto done = Take(step); !done) return Fail(std::move(done.error()));
      done_ = step.end;
    }
    return at_;
  }

 private:
  // The path up to here, for messages; "a Pod" at its start.
  std::string Here() const {
    return done_ == 0 ? "a Pod" : QuoteForMessage(path_.substr(0, done_));
  }

  Status Take(const PathStep& step) {
    switch (step.kind) {
      case StepKind::kMember:
        return TakeMember(step);
      case StepKind::kIndex:
      case StepKind::kSelect:
        return TakeElement(step);
      case StepKind::kKey:
        return TakeKey(step);
    }
    return {};
  }

  // The step wants a `shape`: is it one by the schema, and in the pod where that has it?
  Status Expect(Shape shape) const {
    if (at_.type && at_.type->shape != shape) {
      if (shape == Shape::kMap)
        return Invalid(Here() + " does not support a subscript: it is no map");
      return Invalid(Here() + " is " + std::string(WordsOf(at_.type->shape).name) +
                     std::string(WordsOf(at_.type->shape).how_to_go_on));
    }
    if (at_.value == nullptr) return {};
    if (shape == Shape::kList ? at_.value->is_array() : at_.value->is_object()) return {};
    return Invalid(Here() + " must be " + std::string(WordsOf(shape).name) +
                   " here, but the pod has " + std::string(JsonTypeName(*at_.value)));
  }

  // Nobody knows the field. From here on nothing is known at all.
  Status NoSuchField(std::string_view what) {
    if (newer_) {
      at_ = {std::nullopt, nullptr};
      return {};
    }
    return Invalid(Here() + " has no field " + QuoteForMessage(what));
  }

  Status TakeMember(const PathStep& step) {
    if (auto fits = Expect(Shape::kStruct); !fits) return fits;
    const auto member = at_.type ? SchemaMember(*at_.type, step.name) : std::nullopt;
    const Json* const value = FindMember(at_.value, step.name);
    if (!member && value == nullptr) return NoSuchField(step.name);
    at_ = {member, value};
    return {};
  }

  Status TakeElement(const PathStep& step) {
    if (auto fits = Expect(Shape::kList); !fits) return fits;
    const auto element =
        at_.type ? std::optional<SchemaType>(SchemaElement(*at_.type)) : std::nullopt;
    const Json* const value =
        step.kind == StepKind::kIndex ? ByIndex(step.index) : BySelector(step.name, step.value);
    if (value == nullptr) {
      if (!element) return NoSuchField(path_.substr(done_, step.end - done_));
      // An element that is not there must at least be one that the list could have.
      if (step.kind == StepKind::kSelect) {
        const auto member = SchemaMember(*element, step.name);
        if (!newer_ && (!member || member->shape != Shape::kScalar)) {
          return Invalid("the elements of " + Here() + " have no scalar field " +
                         QuoteForMessage(step.name));
        }
      }
    }
    at_ = {element, value};
    return {};
  }

  const Json* ByIndex(std::size_t index) const {
    if (at_.value == nullptr || index >= at_.value->size()) return nullptr;
    const Json& element = (*at_.value)[index];
    return element.is_null() ? nullptr : &element;
  }

  const Json* BySelector(std::string_view name, std::string_view wanted) const {
    if (at_.value == nullptr) return nullptr;
    for (const Json& element : *at_.value) {
      const Json* const member = FindMember(&element, name);
      if (member != nullptr && ScalarText(*member) == wanted) return &element;
    }
    return nullptr;
  }

  Status TakeKey(const PathStep& step) {
    if (auto fits = Expect(Shape::kMap); !fits) return fits;
    if (step.name.empty()) return Invalid("the key of " + Here() + " must not be empty");
    const Json* const value = FindMember(at_.value, step.name);
    if (!at_.type && value == nullptr) return NoSuchField(step.name);
    at_ = {at_.type ? std::optional<SchemaType>(SchemaElement(*at_.type)) : std::nullopt, value};
    return {};
  }

  const std::string_view path_;
  const bool newer_;  // unknown fields are a newer server's
  std::size_t done_ = 0;
  FieldTarget at_;
};

}  // namespace

Result<FieldTarget> WalkFieldPath(std::string_view path, const Json* pod, UnknownFields unknown) {
  return Walk(path, pod, unknown).Run();
}

Status CheckHasText(const FieldTarget& target) {
  const auto has_text = [](Shape shape) {
    return shape == Shape::kScalar || shape == Shape::kList;
  };
  if (target.type && !has_text(target.type->shape)) {
    return Invalid("is neither a scalar nor a list but " +
                   std::string(WordsOf(target.type->shape).name) +
                   std::string(WordsOf(target.type->shape).how_to_go_on));
  }
  if (target.value == nullptr || !target.value->is_structured()) return {};
  const bool may_be_list = !target.type || target.type->shape == Shape::kList;
  if (target.value->is_array() && may_be_list) return {};
  return Invalid("is neither a scalar nor a list: the pod has " +
                 std::string(JsonTypeName(*target.value)) + " here");
}

}  // namespace downwardfs
