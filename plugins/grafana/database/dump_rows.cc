#include "plugins/grafana/database/dump_rows.h"

#include "io/input_stream.h"
#include "io/process.h"
#include "plugins/grafana/database/dump_parser.h"

namespace coffer::grafana {
namespace {

constexpr std::int64_t kExitTimeoutMicros = 10'000'000;

Result<std::vector<FoundTable>> ReadFrom(InputStream& stream, std::span<const WantedTable> wanted,
                                         const OnRow& on_row) {
  DumpInput input([&stream](MutableBytes out) { return stream.Read(out); });
  return ReadDump(input, wanted, on_row);
}

Result<std::vector<FoundTable>> ReadText(const std::string& path, std::span<const WantedTable> wanted,
                                         const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(InputStream stream, InputStream::Open(path));
  return ReadFrom(stream, wanted, on_row);
}

// Of the wanted tables only, so that it can leap over the others.
Result<ChildProcess> StartRestore(const std::string& path, std::span<const WantedTable> wanted) {
  std::vector<std::string> argv = {"pg_restore", "--file=-", "--no-owner", "--no-privileges"};
  for (const WantedTable& table : wanted) argv.push_back("--table=" + std::string(table.name));
  argv.push_back(path.starts_with('-') ? "./" + path : path);
  ChildOptions options;
  options.input = ChildStream::kNull;
  options.output = ChildStream::kPipe;
  Result<ChildProcess> child = ChildProcess::Spawn(argv, options);
  if (child.ok() || child.error().code() != ErrorCode::kNotFound) return child;
  return Error(ErrorCode::kNotFound,
               "pg_restore, which reads this format, is not installed: install postgresql-client, or dump with "
               "pg_dump --format=plain");
}

Result<std::vector<FoundTable>> ReadArchive(const std::string& path, std::span<const WantedTable> wanted,
                                            const OnRow& on_row) {
  COFFER_ASSIGN_OR_RETURN(ChildProcess child, StartRestore(path, wanted));
  InputStream output(child.TakeOutput());
  auto found = ReadFrom(output, wanted, on_row);
  if (!output.ended()) return found;  // It was refused while pg_restore still wrote.
  COFFER_ASSIGN_OR_RETURN(const std::optional<int> exit_code, child.WaitFor(kExitTimeoutMicros));
  if (!exit_code) return Error(ErrorCode::kUnavailable, "pg_restore does not end");
  if (*exit_code == 0) return found;
  return Error(ErrorCode::kInvalidArgument,
               "pg_restore cannot read the archive: it is damaged, cut short or of a newer PostgreSQL");
}

}  // namespace

Result<std::vector<FoundTable>> DumpRows::Read(std::span<const WantedTable> wanted, const OnRow& on_row) {
  return form_ == DumpForm::kSql ? ReadText(path_, wanted, on_row) : ReadArchive(path_, wanted, on_row);
}

}  // namespace coffer::grafana
