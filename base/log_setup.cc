// SPDX-License-Identifier: Apache-2.0
#include "base/log_setup.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <syslog.h>

#include <csignal>
#include <memory>
#include <mutex>
#include <utility>

#include "base/log_file.h"
#include "base/system_log.h"
#include "base/text.h"

namespace downwardfs {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};
  return kLevels[static_cast<int>(level)];
}

class SystemLogSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string text(line.data(), line.size());
    if (!text.empty() && text.back() == '\n') text.pop_back();
    const int priority = message.level >= spdlog::level::err    ? LOG_ERR
                         : message.level == spdlog::level::warn ? LOG_WARNING
                         : message.level == spdlog::level::info ? LOG_INFO
                                                                : LOG_DEBUG;
    SystemLog(priority, "%s", text.c_str());
  }
  void flush_() override {}
};

std::string JsonString(std::string_view text) {
  std::string out = "\"";
  for (const char c : IsValidUtf8(text) ? std::string(text) : OneLine(text)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      static constexpr char kHex[] = "0123456789abcdef";
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string JsonMembers(std::string_view message, LogFields fields) {
  std::string line = "\"message\":" + JsonString(message);
  for (const auto& [key, value] : fields) line += "," + JsonString(key) + ":" + JsonString(value);
  return line;
}

}  // namespace

Status SetUpLog(const LogOptions& options) {
  // The signal by which others have their daemons open a log file anew. Here each line finds it.
  std::signal(SIGUSR1, SIG_IGN);
  const bool json = options.format == LogOptions::Format::kJson;
  std::shared_ptr<spdlog::logger> logger;
  try {
    spdlog::sink_ptr sink;
    if (!options.file.empty()) {
      auto file = std::make_shared<LogFile>(options.file, options.resolved);
      if (auto opened = file->Open(); !opened) return Fail(std::move(opened.error()), "--log-file");
      sink = std::move(file);
    } else if (options.use_syslog) {
      sink = std::make_shared<SystemLogSink>();
    } else {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }
    logger = std::make_shared<spdlog::logger>("downwardfs", std::move(sink));
    logger->set_level(ToSpdlog(options.level));
    logger->flush_on(spdlog::level::debug);
    if (json) {
      logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l",%v})");
    } else {
      logger->set_pattern(
          options.use_syslog && options.file.empty() ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    }
  } catch (const spdlog::spdlog_ex& e) {
    return Fail(ErrorCode::kInvalidArgument, "--log-file " + options.file + ": " + e.what());
  }
  SetLogSink(
      [logger = std::move(logger), json](LogLevel level, std::string_view message,
                                         LogFields fields) {
        logger->log(ToSpdlog(level), "{}",
                    json ? JsonMembers(message, fields) : TextLine(message, fields));
      },
      options.level);
  return {};
}

}  // namespace downwardfs
