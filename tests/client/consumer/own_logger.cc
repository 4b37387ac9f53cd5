// SPDX-License-Identifier: Apache-2.0
// An application with a spdlog logger of its own and the client library: its default logger stays
// its own, the library's lines come to the sink that it gave, and to standard error without one.
//     own_logger FILE         FILE is made and removed
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "base/log.h"
#include "client/config/rotating_file.h"

namespace {

// The library logs one line: a file that it has read has gone.
void MakeTheLibraryLog(const std::string& file) {
  std::ofstream(file) << "token";
  downwardfs::client::RotatingFile rotating(file, downwardfs::Clock::Real(),
                                            std::chrono::seconds(0));
  (void)rotating.Get();
  std::remove(file.c_str());
  (void)rotating.Get();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::ostringstream own;
  const auto logger = std::make_shared<spdlog::logger>(
      "application", std::make_shared<spdlog::sinks::ostream_sink_mt>(own));
  logger->set_pattern("%v");
  spdlog::set_default_logger(logger);

  std::string lines;
  downwardfs::SetLogSink(
      [&lines](downwardfs::LogLevel level, std::string_view message, downwardfs::LogFields fields) {
        lines += std::string(downwardfs::LogLevelName(level)) + " " +
                 downwardfs::TextLine(message, fields) + "\n";
      });
  MakeTheLibraryLog(argv[1]);
  downwardfs::SetLogSink({});
  MakeTheLibraryLog(argv[1]);

  spdlog::info("mine");
  std::printf("default logger: %s\nown: %ssink: %s", spdlog::default_logger()->name().c_str(),
              own.str().c_str(), lines.c_str());
  return 0;
}
