// SPDX-License-Identifier: Apache-2.0
#include "cli/help_format.h"

#include <CLI/CLI.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace downwardfs {
namespace {

constexpr std::size_t kNames = 30;
constexpr std::size_t kLine = 80;
constexpr std::size_t kText = kLine - kNames;

std::string Wrap(const std::string& text, std::size_t width) {
  std::istringstream words(text);
  std::string out;
  std::size_t column = 0;
  for (std::string word; words >> word;) {
    if (column > 0 && column + 1 + word.size() > width) {
      out += '\n';
      column = 0;
    } else if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

class WrappingFormatter final : public CLI::Formatter {
 public:
  WrappingFormatter() { column_width(kNames); }

  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string type = option->get_type_name();
    return type.empty() ? "" : " " + type;
  }
  std::string make_option_desc(const CLI::Option* option) const override {
    return Wrap(Formatter::make_option_desc(option), kText);
  }
  std::string make_description(const CLI::App* command) const override {
    return Wrap(Formatter::make_description(command), kLine) + "\n";
  }
  std::string make_group(std::string group, bool positional,
                         std::vector<const CLI::Option*> options) const override {
    return Formatter::make_group(Wrap(group, kLine - 1), positional, std::move(options));
  }
  std::string make_subcommand(const CLI::App* command) const override {
    std::stringstream out;
    CLI::detail::format_help(out, command->get_name(), Wrap(command->get_description(), kText),
                             kNames);
    return out.str();
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> HelpFormatter() {
  return std::make_shared<WrappingFormatter>();
}

}  // namespace downwardfs
