// SPDX-License-Identifier: Apache-2.0
//
// The fuzzed parsers, which take bytes from outside, each with what must hold for every input. A
// broken promise aborts. libFuzzer calls them (fuzz_*.cc), and corpus_test replays
// tests/fuzz/corpus through them in every build. Any thread.
#pragma once

#include <string_view>

namespace downwardfs {

/// ParseManifest, PodsFromManifest, NodesFromManifest: an error is one line; an object that comes
/// out survives being written and read again.
void FuzzManifest(std::string_view bytes);

/// ParseJson under both policies: an error is one line; the value survives being written and read
/// again.
void FuzzJson(std::string_view bytes);

}  // namespace downwardfs
