// SPDX-License-Identifier: Apache-2.0
#include "client/config/exec_credential.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "base/text.h"

namespace downwardfs::client {
namespace {

// A word of a plugin's error output that may be a secret: long, of the characters of tokens, with
// letters and digits. Losing a request id with it does less harm than a token in a log.
bool LooksSecret(std::string_view word) {
  if (word.substr(0, 3) == "eyJ") return word.size() > 10;
  if (word.size() < 20) return false;
  const auto has = [&](int (*test)(int)) {
    return std::any_of(word.begin(), word.end(),
                       [&](char c) { return test(static_cast<unsigned char>(c)) != 0; });
  };
  return has(std::isdigit) && has(std::isalpha);
}

std::string Redact(std::string_view line) {
  static constexpr std::string_view kTokenCharacters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_-=";
  std::string out;
  while (!line.empty()) {
    const std::size_t n = std::min(line.find_first_not_of(kTokenCharacters), line.size());
    const std::string_view word = line.substr(0, n);
    out += LooksSecret(word) ? "[...]" : word;
    line.remove_prefix(n);
    if (line.empty()) break;
    out += line.front();
    line.remove_prefix(1);
  }
  return out;
}

std::string LastLine(std::string_view text) {
  while (!text.empty()) {
    const std::size_t newline = text.find_last_of("\r\n");
    const std::string_view line =
        newline == std::string_view::npos ? text : text.substr(newline + 1);
    if (line.find_first_not_of(" \t") != std::string_view::npos) return std::string(line);
    text = newline == std::string_view::npos ? std::string_view() : text.substr(0, newline);
  }
  return "";
}

// The later of two settings of a variable wins, as in Go's os/exec.
std::vector<std::string> Environment(std::vector<std::string> base, const ExecSpec& spec,
                                     const std::string& info) {
  for (const auto& [name, value] : spec.env) {
    base.push_back(name);
    base.back() += '=';
    base.back() += value;
  }
  base.push_back("KUBERNETES_EXEC_INFO=" + info);
  std::map<std::string, std::string> by_name;
  for (std::string& variable : base) {
    std::string name = variable.substr(0, variable.find('='));
    by_name[std::move(name)] = std::move(variable);
  }
  std::vector<std::string> environment;
  environment.reserve(by_name.size());
  for (auto& entry : by_name) environment.push_back(std::move(entry.second));
  return environment;
}

}  // namespace

ExecCredential::ExecCredential(ExecSpec spec, ExecCluster cluster, std::string origin,
                               ProcessRunner& runner, const Clock& clock)
    : spec_(std::move(spec)),
      cluster_(std::move(cluster)),
      origin_(std::move(origin)),
      runner_(runner),
      clock_(clock) {}

std::string ExecCredential::Description() const {
  return "exec plugin " + spec_.command + " of " + origin_;
}

void ExecCredential::Cancel() {
  cancel_.Set();
}

bool ExecCredential::Usable() const {
  return answer_ && (!answer_->expires || clock_.Wall() < *answer_->expires);
}

std::optional<Credentials> ExecCredential::TryGet() {
  const MutexLock lock(mutex_);
  if (!Usable()) return std::nullopt;
  return answer_->credentials;
}

Result<Credentials> ExecCredential::GetWithin(bool force_refresh, std::chrono::milliseconds limit) {
  mutex_.lock();
  if (running_) {
    const std::uint64_t ended = runs_;
    while (runs_ == ended) run_ended_.Wait(mutex_);
  } else {
    const bool fresh = answer_ && clock_.Steady() < answered_at_ + kForceInterval;
    if (Usable() && (!force_refresh || fresh)) {
      Credentials credentials = answer_->credentials;
      mutex_.unlock();
      return credentials;
    }
    running_ = true;
    mutex_.unlock();
    auto answer = Run(limit);
    mutex_.lock();
    running_ = false;
    ++runs_;
    last_error_.reset();
    if (answer) {
      answer_ = std::move(*answer);
      answered_at_ = clock_.Steady();
    } else {
      last_error_ = std::move(answer.error());
    }
    run_ended_.NotifyAll();
  }
  // Of the run that has just ended (or of a later one, for a waiter that was slow to wake up). An
  // answer that is expired already is handed out: the server decides.
  Result<Credentials> outcome;
  if (last_error_) {
    outcome = Fail(*last_error_);
  } else {
    outcome = answer_->credentials;
  }
  mutex_.unlock();
  return outcome;
}

Result<ExecAnswer> ExecCredential::Run(std::chrono::milliseconds limit) {
  if (cancel_.IsSet()) return Fail(ErrorCode::kCancelled, Description() + ": shutting down");
  const bool terminal = runner_.HasTerminal();
  if (spec_.interactive == ExecSpec::Interactive::kAlways && !terminal) {
    return Fail(ErrorCode::kFailedPrecondition,
                Description() +
                    ": interactiveMode is Always, but standard input is no terminal;"
                    " log in with the plugin by hand first, or run in the foreground");
  }
  ProcessSpec process;
  process.interactive = terminal && spec_.interactive != ExecSpec::Interactive::kNever;
  process.show_stderr = isatty(STDERR_FILENO) == 1;
  process.timeout = process.interactive ? kInteractiveTimeout : kTimeout;
  if (!process.interactive && limit.count() > 0) process.timeout = std::min(process.timeout, limit);
  process.path = runner_.Find(spec_.command);
  if (process.path.empty()) {
    std::string message = Description() + ": there is no executable " +
                          QuoteForMessage(spec_.command, 200) +
                          (spec_.command.find('/') == std::string::npos ? " in $PATH" : "");
    if (!spec_.install_hint.empty()) message += "; " + FoldLines(spec_.install_hint);
    return Fail(ErrorCode::kNotFound, std::move(message));
  }
  const auto info = ExecInfo(spec_, cluster_, process.interactive);
  if (!info) return Fail(info.error(), Description());
  process.argv = {spec_.command};
  process.argv.insert(process.argv.end(), spec_.args.begin(), spec_.args.end());
  process.environment = Environment(runner_.Environment(), spec_, *info);
  const auto output = runner_.Run(process, cancel_);
  if (!output) return Fail(output.error(), Description());
  if (output->exit_code != 0) return Fail(Explain(*output), Description());
  auto answer = ParseExecAnswer(output->out, spec_.api_version);
  if (!answer) return Fail(std::move(answer.error()), Description());
  return answer;
}

Error ExecCredential::Explain(const ProcessOutput& output) const {
  std::string message = output.exit_code > 128
                            ? "was ended by signal " + std::to_string(output.exit_code - 128)
                            : "failed with exit code " + std::to_string(output.exit_code);
  if (const std::string line = LastLine(output.err); !line.empty()) {
    message += ": " + OneLine(Redact(line.substr(0, 500)));
  }
  return Error{ErrorCode::kUnauthenticated, std::move(message)};
}

}  // namespace downwardfs::client
