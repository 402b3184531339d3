// cofferd: the key service. Reads its command line, protects the process's memory, runs the daemon until a signal.
#include <cstdio>
#include <iostream>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "io/file.h"
#include "io/private_dir.h"
#include "io/process_memory.h"
#include "keysvc/config.h"
#include "keysvc/daemon.h"
#include "keysvc/rpc/server.h"

namespace coffer::keysvc {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitNoAudit = 74;  // EX_IOERR of sysexits.h

struct Arguments {
  std::string config_file;
  std::string data_dir;
  std::string log_level;
  bool allow_swap = false;
  bool dev = false;
};

int Fail(const Error& error) {
  std::cerr << "cofferd: " << error.ToString() << "\n";
  return error.code() == ErrorCode::kInvalidArgument ? kExitUsage : kExitFailed;
}

int FailFolder(const FolderRefusal& refused) {
  std::cerr << "cofferd: " << refused.key << ": " << refused.error.ToString() << "\n";
  // A full or failing disk is no mistake of the configuration's.
  return refused.error.code() == ErrorCode::kUnavailable ? kExitFailed : kExitUsage;
}

void SetUpLog(LogLevel level) {
  auto logger = spdlog::stderr_color_mt("cofferd");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%fZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  switch (level) {
    case LogLevel::kDebug:
      logger->set_level(spdlog::level::debug);
      break;
    case LogLevel::kInfo:
      logger->set_level(spdlog::level::info);
      break;
    case LogLevel::kWarn:
      logger->set_level(spdlog::level::warn);
      break;
    case LogLevel::kError:
      logger->set_level(spdlog::level::err);
      break;
  }
  spdlog::set_default_logger(std::move(logger));
}

// The signals that stop the service, blocked in every thread and waited for in one.
sigset_t BlockStopSignals() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  sigaddset(&stop, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return stop;
}

Result<Config> LoadConfig(const Arguments& arguments) {
  const auto uid = static_cast<std::uint32_t>(geteuid());
  Config config;
  if (arguments.config_file.empty()) {
    if (arguments.data_dir.empty() || arguments.data_dir.front() != '/') {
      return Error(ErrorCode::kInvalidArgument,
                   "name a configuration with --config, or an absolute folder with --data-dir");
    }
    config = DefaultConfig(arguments.data_dir, uid);
  } else {
    const Result<Bytes> text = ReadFile(arguments.config_file, kMaxConfigBytes);
    if (!text.ok()) {
      return Error(ErrorCode::kInvalidArgument, "is not there, longer than allowed, or not readable by this user")
          .At("--config");
    }
    COFFER_ASSIGN_OR_RETURN(config, ParseConfig(AsText(*text), uid));
    if (!arguments.data_dir.empty()) {
      if (arguments.data_dir.front() != '/') {
        return Error(ErrorCode::kInvalidArgument, "must be an absolute folder").At("--data-dir");
      }
      if (config.socket_dir == config.data_dir) config.socket_dir = arguments.data_dir;
      config.data_dir = arguments.data_dir;
    }
  }
  if (arguments.allow_swap) config.allow_swap = true;
  if (!arguments.log_level.empty()) config.log_level = *ParseLogLevel(arguments.log_level);
  return config;
}

Result<bool> ProtectMemory(bool allow_swap) {
  COFFER_TRY(DenyCoreDumps());
  COFFER_ASSIGN_OR_RETURN(const MemoryLock locked, LockMemory(allow_swap));
  return locked == MemoryLock::kLocked;
}

// The exit code.
Result<int> Serve(const Config& config, const sigset_t& stop, bool throwaway) {
  COFFER_ASSIGN_OR_RETURN(const bool locked, ProtectMemory(config.allow_swap));
  if (!locked) spdlog::warn("memory is not locked: keys could reach swap");
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<Daemon> daemon, Daemon::Start(config, locked));
  if (throwaway) {
    COFFER_TRY(daemon->InitThrowaway());
    std::cout << "cofferd dev: unsealed. What it holds is gone when it stops (Ctrl-C), with all that is under\n"
              << "its keys alone, and whoever has this machine can read it until then: nothing real belongs\n"
              << "here, no key of a Grafana in use either. In another terminal:\n"
              << "  export COFFER_SERVER=unix:" << config.socket_dir << "\n"
              << std::flush;
  } else {
    spdlog::info("serving on {}", config.socket_dir);
  }
  int signal_number = 0;
  sigwait(&stop, &signal_number);
  spdlog::info("stopping");
  daemon->Stop();
  if (const std::optional<Error> failure = daemon->failure()) {
    std::cerr << "cofferd: " << failure->ToString() << "\n";
    return kExitNoAudit;
  }
  return 0;
}

Result<int> RunDev(const Arguments& arguments, const sigset_t& stop) {
  const char* runtime_dir = std::getenv("XDG_RUNTIME_DIR");
  COFFER_ASSIGN_OR_RETURN(PrivateDir folder, PrivateDir::Make(runtime_dir == nullptr ? "" : runtime_dir));
  Config config = DefaultConfig(folder.path(), static_cast<std::uint32_t>(geteuid()));
  config.allow_swap = true;
  config.log_level = LogLevel::kWarn;
  if (!arguments.log_level.empty()) config.log_level = *ParseLogLevel(arguments.log_level);
  SetUpLog(config.log_level);
  config.reflection = true;
  const Result<int> served = Serve(config, stop, true);
  const Status wiped = folder.Wipe();
  if (served.ok() && !wiped.ok()) return wiped.error();
  return served;
}

int ExitCodeOf(const Result<int>& served) { return served.ok() ? *served : Fail(served.error()); }

int Run(const Arguments& arguments, const sigset_t& stop) {
  if (arguments.dev) return ExitCodeOf(RunDev(arguments, stop));
  const Result<Config> config = LoadConfig(arguments);
  if (!config.ok()) return Fail(config.error());
  SetUpLog(config->log_level);
  if (const std::optional<FolderRefusal> refused = CheckFolders(*config)) return FailFolder(*refused);
  return ExitCodeOf(Serve(*config, stop, false));
}

int Main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("cofferd: the key service that keeps a database's secrets from those who run the database.", "cofferd");
  app.footer(
      "Examples:\n"
      "  cofferd dev                              an unsealed throwaway service\n"
      "  cofferd --data-dir /var/lib/coffer       the embedded default; sockets in the same folder\n"
      "  cofferd --config /etc/coffer/coffer.toml\n"
      "Exit: 0 stopped by a signal, 1 failed, 2 wrong usage or configuration, 74 the audit log cannot be written.");
  app.set_version_flag("--version", std::string(COFFER_VERSION));
  auto* config = app.add_option("--config", arguments.config_file, "configuration file (TOML)")->type_name("FILE");
  auto* data_dir =
      app.add_option("--data-dir", arguments.data_dir, "folder of the store; made when absent")->type_name("DIR");
  auto* allow_swap = app.add_flag("--allow-swap", arguments.allow_swap, "start even when memory cannot be locked");
  app.add_option("--log-level", arguments.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  CLI::App* dev = app.add_subcommand("dev", "an unsealed throwaway service in memory, for this user only");
  dev->add_option("--log-level", arguments.log_level, "debug, info, warn or error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}));
  for (CLI::Option* other : {config, data_dir, allow_swap}) dev->excludes(other);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  arguments.dev = dev->parsed();
  AllowTls13Only();
  const sigset_t stop = BlockStopSignals();
  return Run(arguments, stop);
}

}  // namespace
}  // namespace coffer::keysvc

int main(int argc, char** argv) { return coffer::keysvc::Main(argc, argv); }
