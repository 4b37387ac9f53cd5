// SPDX-License-Identifier: Apache-2.0
// The pods that the tests of the program use.
#pragma once

#include <string>

namespace downwardfs::testing {

/// A pod with a volume `info` of labels, name, and a nested cpu request; `label` is the value of
/// the label `app`.
inline std::string PodYaml(const std::string& label) {
  return R"(apiVersion: v1
kind: Pod
metadata:
  name: web
  uid: 11111111-2222-3333-4444-555555555555
  resourceVersion: "41"
  labels:
    app: ")" +
         label + R"("
  annotations:
    note: 'say "hi"'
spec:
  nodeName: node1
  containers:
    - name: main
      resources: {requests: {cpu: 15m}, limits: {memory: 8Mi}}
  volumes:
    - name: info
      downwardAPI:
        defaultMode: 0440
        items:
          - {path: labels, fieldRef: {fieldPath: metadata.labels}}
          - {path: name, mode: 0400, fieldRef: {fieldPath: metadata.name}}
          - path: res/cpu
            resourceFieldRef: {containerName: main, resource: requests.cpu, divisor: 1m}
)";
}

}  // namespace downwardfs::testing
