// SPDX-License-Identifier: Apache-2.0
#include "tests/support/numbered_pod.h"

namespace downwardfs::testing {

std::string NumberedFiller(const std::string& n) {
  std::string filler;
  for (int i = 0; i < 700; ++i) filler += n + "-";
  return filler;
}

const char kNumberedItems[] = R"(
items:
  - {path: a, fieldRef: {fieldPath: "metadata.labels['n']"}}
  - {path: d/b, fieldRef: {fieldPath: "metadata.annotations['n']"}}
  - {path: d/long, fieldRef: {fieldPath: "metadata.annotations['long']"}}
)";

std::string NumberedPod(int number) {
  const std::string n = std::to_string(number);
  return "{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\",\"labels\":{\"n\":"
         "\"" +
         n + "\"},\"annotations\":{\"n\":\"" + n + "\",\"long\":\"" + NumberedFiller(n) + "\"}}}";
}

}  // namespace downwardfs::testing
