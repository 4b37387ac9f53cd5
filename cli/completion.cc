// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace downwardfs {
namespace {

// The value of an option, as a command that prints the candidates; a file is completed as
// one. kubectl may be absent: then there are none.
struct Values {
  const char* option;
  const char* candidates;         // one on a line
  const char* command = nullptr;  // of this alone; stands before what is for every command
};
constexpr Values kValues[] = {
    {"--context", "kubectl config get-contexts -o name 2>/dev/null"},
    {"--namespace", "kubectl get namespaces -o name 2>/dev/null | sed 's,.*/,,'"},
    {"--pod",
     "kubectl get pods -A --no-headers -o custom-columns=:metadata.namespace,:metadata.name "
     "2>/dev/null | sed 's, \\+,/,'"},
    {"--layout", "printf '%s\\n' kubelet live"},
    {"--log-format", "printf '%s\\n' text json"},
    {"--log-level", "printf '%s\\n' debug info warning error"},
    {"--format", "printf '%s\\n' dotenv json shell", "env"},
    {"--format", "printf '%s\\n' text json"},
};

// The command that completes the value of an option; null: files.
const char* CandidatesOf(const CLI::App& command, const std::string& spelling) {
  for (const Values& value : kValues) {
    if (spelling == value.option &&
        (value.command == nullptr || command.get_name() == value.command)) {
      return value.candidates;
    }
  }
  return nullptr;
}

std::vector<const CLI::App*> Commands(const CLI::App& app) {
  std::vector<const CLI::App*> commands;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (!command->get_group().empty()) commands.push_back(command);
  }
  return commands;
}

// The spellings of the options of a command: "--cluster", "-f".
std::vector<std::string> Spellings(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

std::vector<const CLI::Option*> Options(const CLI::App& command) {
  std::vector<const CLI::Option*> options;
  for (const CLI::Option* option : command.get_options()) {
    if (!Spellings(*option).empty()) options.push_back(option);
  }
  return options;
}

bool TakesValue(const CLI::Option& option) {
  return option.get_items_expected_max() > 0;
}

// The first sentence of a help text: a line of a menu.
std::string Summary(const std::string& text) {
  return text.substr(0, std::min(text.find_first_of(".:;("), std::size_t{70}));
}

std::string Quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

std::string Bash(const CLI::App& app) {
  std::string names, cases;
  for (const CLI::App* command : Commands(app)) {
    names += (names.empty() ? "" : " ") + command->get_name();
    cases += "    " + command->get_name() + ") words='";
    for (const CLI::Option* option : Options(*command)) {
      for (const std::string& spelling : Spellings(*option)) cases += spelling + " ";
    }
    cases.back() = '\'';
    cases += " ;;\n";
  }
  std::string values;
  for (const Values& value : kValues) {
    values += Concat({"    ", value.command == nullptr ? "*" : value.command, ":", value.option,
                      ") COMPREPLY=($(compgen -W \"$(", value.candidates,
                      ")\" -- \"$cur\")); return ;;\n"});
  }
  return "# bash completion of downwardfs; made by `downwardfs completion bash`\n"
         "_downwardfs() {\n"
         "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=\n"
         "  COMPREPLY=()\n"
         "  if [ \"$COMP_CWORD\" = 1 ]; then\n"
         "    COMPREPLY=($(compgen -W '" +
         names +
         " --help --version' -- \"$cur\")); return\n"
         "  fi\n"
         "  case ${COMP_WORDS[1]}:$prev in\n" +
         values +
         "  esac\n"
         "  case ${COMP_WORDS[1]} in\n" +
         cases +
         "  esac\n"
         "  case $cur in\n"
         "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
         "    *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
         "  esac\n"
         "}\n"
         "complete -o filenames -F _downwardfs downwardfs\n";
}

// Words that a command prints, with the colons escaped that would end the action.
std::string ZshAction(std::string_view candidates) {
  std::string out = "($(";
  for (const char c : candidates) {
    if (c == ':') out += '\\';
    out += c;
  }
  return out + "))";
}

std::string Zsh(const CLI::App& app) {
  std::string out =
      "#compdef downwardfs\n"
      "# zsh completion of downwardfs; made by `downwardfs completion zsh`\n"
      "local -a commands\ncommands=(\n";
  std::string cases;
  const auto plain = [](std::string text) {
    for (char& c : text) {
      if (c == '[' || c == ']' || c == ':') c = ' ';
    }
    return text;
  };
  for (const CLI::App* command : Commands(app)) {
    out += "  " + Quoted(command->get_name() + ":" + plain(Summary(command->get_description()))) +
           "\n";
    cases += "  " + command->get_name() + ") _arguments -s \\\n";
    for (const CLI::Option* option : Options(*command)) {
      for (const std::string& spelling : Spellings(*option)) {
        std::string line = spelling + "[" + plain(Summary(option->get_description())) + "]";
        if (TakesValue(*option)) {
          const char* const candidates = CandidatesOf(*command, spelling);
          line += Concat({":", plain(option->get_type_name()), ":",
                          candidates == nullptr ? "_files" : ZshAction(candidates)});
        }
        cases += "      " + Quoted(line) + " \\\n";
      }
    }
    cases += "      '*:file:_files' ;;\n";
  }
  return out +
         ")\n"
         "if (( CURRENT == 2 )); then\n"
         "  _describe command commands\n"
         "  return\n"
         "fi\n"
         "local command=$words[2]\n"
         "shift words\n(( CURRENT-- ))\n"
         "case $command in\n" +
         cases + "esac\n";
}

std::string Fish(const CLI::App& app) {
  std::string out = "# fish completion of downwardfs; made by `downwardfs completion fish`\n";
  for (const CLI::App* command : Commands(app)) {
    out += "complete -c downwardfs -f -n __fish_use_subcommand -a " + command->get_name() + " -d " +
           Quoted(Summary(command->get_description())) + "\n";
  }
  for (const CLI::App* command : Commands(app)) {
    for (const CLI::Option* option : Options(*command)) {
      std::string line =
          "complete -c downwardfs -n '__fish_seen_subcommand_from " + command->get_name() + "'";
      for (const std::string& name : option->get_lnames()) line += " -l " + name;
      for (const std::string& name : option->get_snames()) line += " -s " + name;
      if (TakesValue(*option)) line += " -r";
      if (const char* candidates = CandidatesOf(*command, Spellings(*option).front())) {
        line += " -f -a " + Quoted(Concat({"(", candidates, ")"}));
      }
      out += line + " -d " + Quoted(Summary(option->get_description())) + "\n";
    }
  }
  return out;
}

}  // namespace

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  return shell == "zsh" ? Zsh(app) : shell == "fish" ? Fish(app) : Bash(app);
}

}  // namespace downwardfs
