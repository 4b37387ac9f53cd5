// SPDX-License-Identifier: Apache-2.0
#include "cli/man_page.h"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <utility>

#include "base/version.h"

namespace downwardfs {
namespace {

// Text as troff takes it: no escape and no request by accident.
constexpr std::pair<char, const char*> kEscapes[] = {{'\\', "\\e"}, {'-', "\\-"}, {'`', "\\(ga"}};

std::string Plain(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    line_start = c == '\n';
    const auto* escape = std::find_if(std::begin(kEscapes), std::end(kEscapes),
                                      [c](const auto& known) { return known.first == c; });
    out += escape == std::end(kEscapes) ? std::string(1, c) : escape->second;
  }
  return out;
}

std::string Bold(const std::string& text) {
  return "\\fB" + Plain(text) + "\\fR";
}

std::string Synopsis(const CLI::App& command) {
  std::string out = Bold("downwardfs " + command.get_name()) + " [\\fIoptions\\fR]";
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_positional() && !option->nonpositional()) {
      out += " \\fI" + Plain(option->get_name(true)) + "\\fR";
    }
  }
  return out;
}

void Options(const CLI::App& command, std::string& out) {
  for (const std::string& group : command.get_groups()) {
    std::string entries;
    for (const CLI::Option* option : command.get_options()) {
      if (option->get_group() != group || !option->nonpositional()) continue;
      std::string names;
      for (const std::string& name : option->get_snames()) names += Bold("-" + name) + ", ";
      for (const std::string& name : option->get_lnames()) names += Bold("--" + name) + ", ";
      names.resize(names.size() - 2);
      if (!option->get_type_name().empty()) {
        names += " \\fI" + Plain(option->get_type_name()) + "\\fR";
      }
      entries += ".TP\n" + names + "\n" + Plain(option->get_description()) + "\n";
    }
    if (entries.empty()) continue;
    if (group != "Options") out += ".PP\n" + Plain(group) + ":\n";
    out += entries;
  }
}

}  // namespace

std::string ManPage(const CLI::App& app) {
  std::string out = ".TH DOWNWARDFS 1 \"2026-11-25\" \"downwardfs " + std::string(Version()) +
                    "\" \"User Commands\"\n"
                    ".SH NAME\ndownwardfs \\- Kubernetes pod metadata as live files\n"
                    ".SH SYNOPSIS\n";
  const auto commands =
      app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
  for (const CLI::App* command : commands) {
    if (command != commands.front()) out += ".br\n";
    out += Synopsis(*command) + "\n";
  }
  out +=
      ".SH DESCRIPTION\nShows the metadata of Kubernetes pods (names, labels, annotations, "
      "addresses, nodes, requests and limits) as files that follow every change: of one pod with "
      "the bytes and the layout of the kubelet's own downwardAPI volume, or of a whole cluster as "
      "a tree for ls, cat, grep and find.\n";
  for (const CLI::App* command : commands) {
    const std::string name = command->get_name();
    out += ".SH downwardfs " + name + "\n" + Plain(command->get_description()) + ".\n";
    Options(*command, out);
    if (!command->get_footer().empty()) {
      out += ".PP\n.nf\n" + Plain(command->get_footer()) + "\n.fi\n";
    }
  }
  out +=
      ".SH EXIT STATUS\n.TP\n.B 0\nDone.\n.TP\n.B 1\nThe request could not be met; one line on "
      "standard error says what, where and which rule.\n.TP\n.B 2\nWrong usage.\n"
      ".SH ENVIRONMENT\n.TP\n.B KUBECONFIG\nFiles that name servers and users, as kubectl reads "
      "them; without it ~/.kube/config.\n"
      ".SH SEE ALSO\n.BR mount.downwardfs (8),\n.BR kubectl (1),\n.BR fusermount3 (1)\n";
  return out;
}

}  // namespace downwardfs
