// SPDX-License-Identifier: Apache-2.0
// Comfort on a terminal: mounting without arguments, unmounting, completion, the manual page.
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <regex>
#include <set>

#include "tests/e2e/api_fixture.h"

namespace downwardfs::testing {
namespace {

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
  // `downwardfs mount ARGUMENTS` on a terminal, where a person types `answer`.
  Outcome OnTerminal(const std::string& answer, const std::string& arguments = "") const {
    RunOptions options;
    options.input = answer;
    options.env["HOME"] = dir_ / "home";
    options.env["KUBECONFIG"] = Kubeconfig();
    return RunProgram({"script", "-qefc", std::string(DOWNWARDFS_BINARY) + " mount " + arguments,
                       dir_ / "typescript"},
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

TEST_F(ComfortTest, MountAloneSeesADeadMountAndOneBehindALink) {
  // ~/k8s may be a link.
  std::filesystem::create_directories(dir_ / "home");
  std::filesystem::create_directory_symlink(dir_.MakeDir("elsewhere"), dir_ / "home/k8s");
  const std::string at = dir_ / "home/k8s/dev%2F1";
  ASSERT_EQ(OnTerminal("\n").exit_code, 0);
  EXPECT_THAT(OnTerminal("\n").out, HasSubstr("already mounted at " + at));
  const Outcome status = Downwardfs({"status", at, "--format", "json"});
  std::smatch pid;
  ASSERT_TRUE(std::regex_search(status.out, pid, std::regex("\"daemonPid\": ?([0-9]+)")));
  ASSERT_EQ(kill(std::stoi(pid[1]), SIGKILL), 0);
  EXPECT_TRUE(
      Eventually([&] { return access((at + "/none").c_str(), F_OK) != 0 && errno == ENOTCONN; }));
  const Outcome dead = OnTerminal("\n");
  EXPECT_EQ(dead.exit_code, 1);
  EXPECT_THAT(dead.out, HasSubstr("its daemon is gone; `downwardfs umount " + at + "` first"));
  EXPECT_EQ(Downwardfs({"umount", at}).exit_code, 0);
}

// Flags of one pod are not dropped when it is the tree that would be offered.
TEST_F(ComfortTest, MountAloneTakesNoFlagsOfOnePod) {
  for (const char* arguments :
       {"--volume info", "--items x", "--strict", "--run-as 1:1", "--no-resend", "--layout live"}) {
    const Outcome outcome = OnTerminal("\n", arguments);
    EXPECT_EQ(outcome.exit_code, 2) << arguments << outcome.out;
    EXPECT_THAT(outcome.out, Not(HasSubstr("[Y/n]")));
  }
}

TEST_F(ComfortTest, AFieldIsRenderedWithoutFlagsOfFiles) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"--format", "json"}, {"--strict"}, {"--volume", "info"}}) {
    std::vector<std::string> all = Web({"--field", "metadata.name"});
    all.insert(all.end(), words.begin(), words.end());
    const Outcome outcome = Run("render", all);
    EXPECT_EQ(outcome.exit_code, 2) << words[0];
    EXPECT_THAT(outcome.err, AllOf(HasSubstr("--field"), HasSubstr(words[0])));
  }
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

TEST_F(ComfortTest, UmountTakesTheLinkThatMountTook) {
  const std::string link = dir_ / "link";
  const std::string to_link = dir_ / "to-link";
  std::filesystem::create_directory_symlink(at_, link);
  std::filesystem::create_directory_symlink("link", to_link);
  EXPECT_THAT(Downwardfs({"umount", link}).err, HasSubstr("nothing is mounted there"));
  ASSERT_EQ(Run("mount", From({"--cluster", to_link})).exit_code, 0);
  ASSERT_TRUE(IsMountPoint(at_));
  EXPECT_EQ(Downwardfs({"umount", to_link + "/"}).exit_code, 0);
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
       "\"${COMPREPLY[@]}\"\n"
       "COMP_WORDS=(downwardfs env --format d); COMP_CWORD=3; _downwardfs; echo "
       "\"${COMPREPLY[@]}\"\n"
       "COMP_WORDS=(downwardfs render --format ''); COMP_CWORD=3; _downwardfs; echo "
       "\"${COMPREPLY[@]}\"\n"},
      options);
  EXPECT_EQ(outcome.out, "umount\n--cluster\nlive\ndotenv\ntext json\n") << outcome.err;
}

// A kubectl that knows two pods, for the candidates of --pod.
class ShellTest : public ComfortTest {
 protected:
  RunOptions WithKubectl(const std::string& shell) const {
    const std::string bin = dir_.MakeDir("bin");
    const std::string kubectl =
        dir_.Write("bin/kubectl",
                   "#!/bin/sh\ncase $* in *custom-columns=:*) echo 'default   web'; echo 'dev   "
                   "db';; esac\n");
    std::filesystem::permissions(kubectl, std::filesystem::perms(0755));
    RunOptions options;
    options.env["PATH"] = bin + ":/usr/local/bin:/usr/bin:/bin";
    options.env["HOME"] = dir_.MakeDir("home");
    options.env["TERM"] = "xterm";
    options.env["SCRIPT"] = dir_.Write("_downwardfs", Downwardfs({"completion", shell}).out);
    return options;
  }
  static bool HasShell(const std::string& shell) {
    return RunProgram({"sh", "-c", "command -v " + shell}).exit_code == 0;
  }
};

TEST_F(ShellTest, FishCompletesValues) {
  if (!HasShell("fish")) GTEST_SKIP() << "no fish here";
  const Outcome outcome =
      RunProgram({"fish", "-c",
                  "source $SCRIPT; complete -C 'downwardfs mount --layout '; echo .; "
                  "complete -C 'downwardfs mount --pod d'; echo .; "
                  "complete -C 'downwardfs env --format '; echo .; "
                  "complete -C 'downwardfs status --format '"},
                 WithKubectl("fish"));
  const std::string plain = std::regex_replace(outcome.out, std::regex("\t[^\n]*"), "");
  EXPECT_EQ(plain, "kubelet\nlive\n.\ndefault/web\ndev/db\n.\ndotenv\njson\nshell\n.\njson\ntext\n")
      << outcome.err;
}

// The values that zsh would offer at Tab, in a shell on a terminal of its own.
TEST_F(ShellTest, ZshCompletesValues) {
  if (!HasShell("zsh")) GTEST_SKIP() << "no zsh here";
  const std::string press = dir_.Write("press", R"zsh(zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1=; PROMPT_EOL_MARK=; fpath=($HOME $fpath); cp $SCRIPT $HOME/_downwardfs; autoload -Uz compinit; compinit -u -D
capture() { compadd() { builtin compadd -O found "$@"; print -rl -- "CANDIDATE "$^found }; _main_complete; print DONE }
zle -C capture complete-word capture; bindkey "^I" capture; print READY'
zpty -r z seen $'*READY\r\n*' 
for line in 'downwardfs mount --pod d' 'downwardfs mount --layout ' 'downwardfs env --format '; do
  zpty -w -n z $line$'\t'
  zpty -r z seen '*DONE*'
  print -r -- $seen
  zpty -w -n z $'\x15'
done
)zsh");
  const Outcome outcome = RunProgram({"zsh", "-f", press}, WithKubectl("zsh"));
  for (const char* candidate : {"default/web", "dev/db", "kubelet", "live", "dotenv", "shell"}) {
    EXPECT_THAT(outcome.out, HasSubstr(std::string("CANDIDATE ") + candidate)) << outcome.err;
  }
}

}  // namespace
}  // namespace downwardfs::testing
