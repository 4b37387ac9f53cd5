// SPDX-License-Identifier: Apache-2.0
#include "mount-helper/holder_state.h"

#include <cstdlib>
#include <type_traits>

namespace downwardfs {
namespace {

constexpr std::uint64_t kFormat = 1;

// The numbers in their order, for both directions.
template <class State, class Visit>
void VisitNumbers(State& state, const Visit& visit) {
  visit(state.memory);
  visit(state.channel);
  visit(state.device);
  visit(state.view);
  visit(state.publisher_control);
  visit(state.publisher);
  visit(state.mount_id);
  visit(state.mounted);
  visit(state.daemon);
  visit(state.figures.generation);
  visit(state.figures.deaths);
  visit(state.figures.last_handover_us);
  visit(state.figures.longest_handover_us);
}

}  // namespace

std::string EncodeHolderState(const HolderState& state) {
  std::string text = std::to_string(kFormat) + ",";
  VisitNumbers(state, [&](const auto& number) {
    text += std::to_string(static_cast<std::uint64_t>(number)) + ",";
  });
  return text + state.file_system;
}

Result<HolderState> ParseHolderState(const std::string& text) {
  const char* rest = text.c_str();
  bool good = true;
  const auto take = [&] {
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(rest, &end, 10);
    good = good && end != rest && *end == ',';
    rest = good ? end + 1 : rest;
    return number;
  };
  HolderState state;
  good = take() == kFormat && good;
  VisitNumbers(state, [&](auto& number) {
    number = static_cast<std::remove_reference_t<decltype(number)>>(good ? take() : 0);
  });
  if (!good) {
    return Fail(ErrorCode::kInvalidArgument, "the state of the holder before is of another format");
  }
  state.file_system = rest;
  return state;
}

}  // namespace downwardfs
