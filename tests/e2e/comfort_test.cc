// SPDX-License-Identifier: Apache-2.0
// What makes the program pleasant on a terminal: mounting without arguments, unmounting,
// completion, the manual page.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <regex>
#include <set>

#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ComfortTest : public ApiTest {
 protected:
  // A kubeconfig with one context for the API server double.
  std::string Kubeconfig() const {
    return dir_.Write("config",
                      R"({"kind":"Config","current-context":"dev/1","contexts":[{"name":"dev/1",)"
                      R"("context":{"cluster":"c","user":"u"}}],"clusters":[{"name":"c","cluster":)"
                      R"({"server":")" +
                          server_->url() + R"(","certificate-authority":")" + ca_ +
                          R"("}}],"users":[{"name":"u","user":{"tokenFile":")" + token_ + "\"}}]}");
  }
  // `downwardfs mount` on a terminal, where a person types `answer`.
  Outcome OnTerminal(const std::string& answer) const {
    RunOptions options;
    options.input = answer;
    options.env["HOME"] = dir_ / "home";
    options.env["KUBECONFIG"] = Kubeconfig();
    return RunProgram(
        {"script", "-qefc", std::string(DOWNWARDFS_BINARY) + " mount", dir_ / "typescript"},
        options);
  }
  // The long options that --help names.
  static std::set<std::string> OptionsOf(const std::string& text) {
    std::set<std::string> options;
    const std::regex option("\\n  (?:-[a-z],)?(--[a-z-]+)");
    for (std::sregex_iterator at(text.begin(), text.end(), option), end; at != end; ++at) {
      options.insert((*at)[1]);
    }
    return options;
  }
};

TEST_F(ComfortTest, MountAloneAsksAndMountsTheCurrentContext) {
  const std::string at = dir_ / "home/k8s/dev%2F1";
  const Outcome no = OnTerminal("n\n");
  EXPECT_THAT(no.out, AllOf(HasSubstr(server_->url()), HasSubstr(at), HasSubstr("[Y/n]"),
                            HasSubstr("nothing is mounted")));
  EXPECT_FALSE(std::filesystem::exists(at));
  const Outcome yes = OnTerminal("\n");
  EXPECT_EQ(yes.exit_code, 0) << yes.out;
  ASSERT_TRUE(IsMountPoint(at));
  EXPECT_EQ(Slurp(at + "/namespaces/default/pods/web/podName"), "web\n");
  EXPECT_THAT(OnTerminal("\n").out, HasSubstr("already mounted at " + at));
  EXPECT_EQ(Downwardfs({"umount", at}).exit_code, 0);
  EXPECT_FALSE(IsMountPoint(at));
}

TEST_F(ComfortTest, OnATerminalLoadingIsShown) {
  for (int i = 0; i < 40; ++i) server_->Put("default", "p" + std::to_string(i), "x");
  server_->Inject({ServerFault::Kind::kBody, "list pods", {BodyFault::Kind::kStall, 8000}, {}});
  const Outcome outcome = OnTerminal("y\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.out, ::testing::ContainsRegex("loading: [0-9]+ pods, [0-9]+ nodes"));
  EXPECT_EQ(Downwardfs({"umount", dir_ / "home/k8s/dev%2F1"}).exit_code, 0);
}

TEST_F(ComfortTest, WithoutATerminalTheMountPointIsRequired) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"mount"}, {"mount", "--cluster"}, {"mount", "--pod", "a/b"}}) {
    const Outcome outcome = Downwardfs(words);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(outcome.err, HasSubstr("MOUNTPOINT is required"));
  }
}

TEST_F(ComfortTest, UmountSaysWhatIsInItsWay) {
  const Outcome nothing = Downwardfs({"umount", at_});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.err, HasSubstr(at_ + ": nothing is mounted there"));
  EXPECT_THAT(Downwardfs({"umount", "/proc"}).err, HasSubstr("a mount of another kind"));
  const Mounted mount(From({"--cluster"}), at_);
  ASSERT_TRUE(mount.ok());
  RunOptions inside;
  inside.env["AT"] = at_;
  const Outcome busy =
      RunProgram({"sh", "-c", "cd \"$AT\"; \"$0\" umount \"$AT\"; \"$0\" umount -l \"$AT\"",
                  DOWNWARDFS_BINARY},
                 inside);
  EXPECT_EQ(busy.exit_code, 0) << busy.err;
  EXPECT_THAT(busy.err, AllOf(HasSubstr("in use"), HasSubstr("--lazy")));
  EXPECT_FALSE(IsMountPoint(at_));
}

TEST_F(ComfortTest, TheManualPageAndTheCompletionsHaveEveryOption) {
  const std::string man = std::regex_replace(Downwardfs({"man"}).out, std::regex("\\\\-"), "-");
  for (const char* command :
       {"mount", "render", "env", "exec", "write", "status", "upgrade", "umount"}) {
    const auto options = OptionsOf(Downwardfs({command, "--help"}).out);
    EXPECT_GT(options.size(), 1U) << command;
    for (const std::string& option : options) EXPECT_THAT(man, HasSubstr(option)) << command;
    for (const char* shell : {"bash", "zsh"}) {
      const std::string script = Downwardfs({"completion", shell}).out;
      EXPECT_THAT(script, HasSubstr(command));
      for (const std::string& option : options) EXPECT_THAT(script, HasSubstr(option)) << shell;
    }
    const std::string fish = Downwardfs({"completion", "fish"}).out;
    for (const std::string& option : options)
      EXPECT_THAT(fish, HasSubstr("-l " + option.substr(2)));
  }
}

TEST_F(ComfortTest, BashCompletesOptionsAndCommands) {
  const std::string script = dir_.Write("completion", Downwardfs({"completion", "bash"}).out);
  RunOptions options;
  options.env["SCRIPT"] = script;
  const Outcome outcome = RunProgram(
      {"bash", "-c",
       "source \"$SCRIPT\"\n"
       "COMP_WORDS=(downwardfs umo); COMP_CWORD=1; _downwardfs; echo \"${COMPREPLY[@]}\"\n"
       "COMP_WORDS=(downwardfs mount --clus); COMP_CWORD=2; _downwardfs; echo \"${COMPREPLY[@]}\"\n"
       "COMP_WORDS=(downwardfs mount --layout l); COMP_CWORD=3; _downwardfs; echo "
       "\"${COMPREPLY[@]}\"\n"},
      options);
  EXPECT_EQ(outcome.out, "umount\n--cluster\nlive\n") << outcome.err;
}

}  // namespace
}  // namespace downwardfs::testing
