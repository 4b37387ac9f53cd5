// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/sinks/syslog_sink.h>
#include <spdlog/spdlog.h>
#include <syslog.h>

#include <atomic>
#include <memory>

#include "base/text.h"

namespace downwardfs {
namespace {

std::atomic<bool> g_json{false};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};
  return kLevels[static_cast<int>(level)];
}

spdlog::logger& Logger() {
  // Before SetUpLog: human lines on standard error. Errors of main() go there without a log.
  static const auto fallback = [] {
    auto logger = std::make_shared<spdlog::logger>(
        "downwardfs", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    return logger;
  }();
  static const bool once = [] {
    spdlog::set_default_logger(fallback);
    return true;
  }();
  (void)once;
  return *spdlog::default_logger_raw();
}

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

}  // namespace

Status SetUpLog(const LogOptions& options) {
  Logger();
  g_json = options.format == LogOptions::Format::kJson;
  try {
    spdlog::sink_ptr sink;
    if (!options.file.empty()) {
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    } else if (options.use_syslog) {
      sink = std::make_shared<spdlog::sinks::syslog_sink_mt>("downwardfs", LOG_PID, LOG_DAEMON,
                                                             /*enable_formatting=*/true);
    } else {
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    }
    auto logger = std::make_shared<spdlog::logger>("downwardfs", std::move(sink));
    logger->set_level(ToSpdlog(options.level));
    logger->flush_on(spdlog::level::debug);
    if (g_json) {
      logger->set_pattern(R"({"time":"%Y-%m-%dT%H:%M:%S.%f%z","level":"%l",%v})");
    } else {
      logger->set_pattern(
          options.use_syslog && options.file.empty() ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    }
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& e) {
    return Fail(ErrorCode::kInvalidArgument, "--log-file " + options.file + ": " + e.what());
  }
  return {};
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& logger = Logger();
  if (!logger.should_log(ToSpdlog(level))) return;
  std::string line;
  if (g_json) {
    line = "\"message\":" + JsonString(message);
    for (const auto& [key, value] : fields) line += "," + JsonString(key) + ":" + JsonString(value);
  } else {
    line = OneLine(message);
    for (const auto& [key, value] : fields) {
      line += " " + std::string(key) + "=" + QuoteForMessage(value, 1000);
    }
  }
  logger.log(ToSpdlog(level), "{}", line);
}

}  // namespace downwardfs
