// SPDX-License-Identifier: Apache-2.0
//
// The work of the fuzzer, and of the replay of its corpus, on one input: read it as a kubeconfig,
// select each context, and read it as a plugin's answer. No I/O, nothing is run. Aborts where a
// promise of the parsers is broken.
#pragma once

#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "client/config/select_context.h"

namespace downwardfs::client {

inline void CheckError(const Error& error) {
  // One line, not endless, and never without a text.
  if (error.message.empty() || error.message.size() > 4096) std::abort();
  if (OneLine(error.message) != error.message) std::abort();
}

inline void TryKubeconfig(std::string_view bytes) {
  const auto config = ParseKubeconfig(bytes, "/fuzz/config");
  if (!config) {
    CheckError(config.error());
  } else {
    for (const auto& context : config->contexts) {
      const auto selected = SelectContext(*config, context.first);
      if (!selected) {
        CheckError(selected.error());
        continue;
      }
      const std::string& server = selected->server;
      if (server.substr(0, 4) != "http" || server.back() == '/') std::abort();
      if (!selected->credentials) std::abort();
    }
  }
  const auto answer = ParseExecAnswer(std::string(bytes), "client.authentication.k8s.io/v1");
  if (!answer) CheckError(answer.error());
}

}  // namespace downwardfs::client
