// SPDX-License-Identifier: Apache-2.0
#include "cli/what_flags.h"

namespace downwardfs {

void AddPod(CLI::App* command, std::string& pod) {
  command
      ->add_option(
          "--pod", pod,
          "The pod; may be left out where the pod file holds exactly one. Without NAMESPACE/: "
          "in the namespace of the kubeconfig's context, or default")
      ->type_name("NAMESPACE/NAME")
      ->group(kWhatGroup);
}

void AddWhat(CLI::App* command, WhatOptions& what) {
  AddPod(command, what.pod);
  auto* items = command
                    ->add_option("--items", what.items_file,
                                 "Show these items: a `downwardAPI:` volume source, or its "
                                 "`items:`, `defaultMode:` and `defaultUser:` alone")
                    ->type_name("FILE")
                    ->group(kWhatGroup);
  command
      ->add_option("--volume", what.volume,
                   "Show this downwardAPI or projected volume of the pod's own spec. With neither "
                   "--items nor --volume the full view of the pod is shown")
      ->type_name("NAME")
      ->excludes(items)
      ->group(kWhatGroup);
  command
      ->add_flag("--strict", what.strict,
                 "Refuse items that the kubelet's own volume would refuse: fields beyond its five, "
                 "extended resources")
      ->group(kWhatGroup);
}

void AddTree(CLI::App* command, WhatOptions& what) {
  CLI::Option* const cluster =
      command
          ->add_flag("--cluster", what.cluster,
                     "Show the whole cluster as a tree instead of one pod: namespaces/, nodes/, "
                     "by-label/, by-ip/, by-node/, and each pod in full. Needs list and watch of "
                     "pods in all namespaces; nodes and namespaces show where they may be read. "
                     "One process serves it (no holder), and only you see it unless --allow-other")
          ->group(kWhatGroup);
  CLI::Option* const namespaces =
      command
          ->add_option("--namespace", what.namespaces,
                       "The same tree with the pods of this namespace; may be repeated, or a list "
                       "with commas. Needs rights in it alone")
          ->type_name("NS")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->excludes(cluster)
          ->group(kWhatGroup);
  for (const char* other : {"--pod", "--items", "--volume", "--strict", "--pod-file"}) {
    cluster->excludes(command->get_option(other));
    namespaces->excludes(command->get_option(other));
  }
}

}  // namespace downwardfs
