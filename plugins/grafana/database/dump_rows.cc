#include "plugins/grafana/database/dump_rows.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>

#include "io/clock.h"
#include "io/input_stream.h"
#include "io/process.h"
#include "io/system_error.h"
#include "plugins/grafana/database/dump_parser.h"

namespace coffer::grafana {
namespace {

constexpr std::int64_t kExitTimeoutMicros = 10'000'000;

Result<std::vector<FoundTable>> ReadText(const std::string& path, std::span<const WantedTable> wanted,
                                         const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(InputStream stream, InputStream::Open(path));
  DumpInput input([&stream](MutableBytes out) { return stream.Read(out); });
  return ReadDump(input, wanted, on_row);
}

// Of the wanted tables only, so that it can leap over the others.
Result<ChildProcess> StartRestore(const std::string& path, std::span<const WantedTable> wanted) {
  std::vector<std::string> argv = {"pg_restore", "--file=-", "--no-owner", "--no-privileges"};
  for (const WantedTable& table : wanted) argv.push_back("--table=" + std::string(table.name));
  argv.push_back(path.starts_with('-') ? "./" + path : path);
  ChildOptions options;
  options.input = ChildStream::kNull;
  options.output = ChildStream::kPipe;
  options.error = ChildStream::kPipe;
  options.environment = {{"LC_ALL", "C"}};  // so that what it says is ASCII, as an error's place is
  Result<ChildProcess> child = ChildProcess::Spawn(argv, options);
  if (child.ok() || child.error().code() != ErrorCode::kNotFound) return child;
  return Error(ErrorCode::kNotFound,
               "pg_restore, which reads this format, is not installed: install postgresql-client, or dump with "
               "pg_dump --format=plain");
}

// What pg_restore writes, and the end of what it says meanwhile: it never waits for us to read the one before the
// other.
class RestoreOutput {
 public:
  RestoreOutput(UniqueFd written, UniqueFd said)
      : waiting_{pollfd{written.get(), POLLIN, 0}, pollfd{said.get(), POLLIN, 0}},
        written_(std::move(written)),
        said_(std::move(said)) {}

  // As InputStream::Read.
  Result<std::size_t> Read(MutableBytes out) {
    for (;;) {
      COFFER_TRY(Wait(kForever));
      if (waiting_[kSaid].revents != 0) COFFER_TRY(Listen());
      if (waiting_[kWritten].revents != 0) return written_.Read(out);
    }
  }
  bool ended() const { return written_.ended(); }

  // To the end of what it says, when it has written everything.
  Status ListenToTheEnd(std::int64_t timeout_micros) {
    const SystemClock clock;
    const std::int64_t deadline = clock.MonotonicMicros() + timeout_micros;
    waiting_[kWritten].fd = kNone;
    while (waiting_[kSaid].fd != kNone) {
      const std::int64_t left_ms = (deadline - clock.MonotonicMicros()) / 1'000;
      if (left_ms <= 0) break;
      COFFER_TRY(Wait(static_cast<int>(left_ms)));
      if (waiting_[kSaid].revents != 0) COFFER_TRY(Listen());
    }
    return {};
  }

  // The last line, without what every one begins with.
  std::string_view LastLine() const {
    constexpr std::string_view kPrefix = "pg_restore: error: ";
    std::string_view line = end_;
    if (line.ends_with('\n')) line.remove_suffix(1);
    line = line.substr(line.rfind('\n') + 1);  // from 0 without one
    return line.starts_with(kPrefix) ? line.substr(kPrefix.size()) : line;
  }

 private:
  static constexpr std::size_t kWritten = 0;
  static constexpr std::size_t kSaid = 1;
  static constexpr int kNone = -1;
  static constexpr int kForever = -1;
  static constexpr std::size_t kKept = 1'024;

  Status Wait(int timeout_ms) {
    int ready = -1;
    do {
      ready = poll(waiting_.data(), waiting_.size(), timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) return SystemError(errno);
    return {};
  }

  Status Listen() {
    Bytes piece(kKept);
    COFFER_ASSIGN_OR_RETURN(const std::size_t size, said_.Read(piece));
    end_ += AsText(ByteView(piece).first(size));
    end_.erase(0, end_.size() - std::min(end_.size(), kKept));
    if (said_.ended()) waiting_[kSaid].fd = kNone;
    return {};
  }

  std::array<pollfd, 2> waiting_;
  InputStream written_;
  InputStream said_;
  std::string end_;  // of what it said
};

Result<std::vector<FoundTable>> ReadArchive(const std::string& path, std::span<const WantedTable> wanted,
                                            const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(ChildProcess child, StartRestore(path, wanted));
  RestoreOutput output(child.TakeOutput(), child.TakeError());
  DumpInput input([&output](MutableBytes out) { return output.Read(out); });
  auto found = ReadDump(input, wanted, on_row);
  if (!output.ended()) return found;  // It was refused while pg_restore still wrote.
  COFFER_TRY(output.ListenToTheEnd(kExitTimeoutMicros));
  COFFER_ASSIGN_OR_RETURN(const std::optional<int> exit_code, child.WaitFor(kExitTimeoutMicros));
  if (!exit_code) return Error(ErrorCode::kUnavailable, "pg_restore does not end");
  if (*exit_code == 0) return found;
  Error error(ErrorCode::kInvalidArgument,
              "pg_restore cannot read the archive: it is damaged, cut short or of a newer PostgreSQL");
  const std::string_view why = output.LastLine();
  return why.empty() ? error : std::move(error).At(why);
}

}  // namespace

Result<std::vector<FoundTable>> DumpRows::Read(std::span<const WantedTable> wanted, const OnRow& on_row) {
  return form_ == DumpForm::kSql ? ReadText(path_, wanted, on_row) : ReadArchive(path_, wanted, on_row);
}

}  // namespace coffer::grafana
