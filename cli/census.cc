// coffer census: how many values name each key, and who counts them.
#include <algorithm>
#include <charconv>

#include "cli/byte_source.h"
#include "cli/commands.h"
#include "cli/destroy_options.h"
#include "cli/key_texts.h"
#include "cli/times.h"
#include "io/clock.h"
#include "io/directory.h"

namespace coffer::cli {
namespace {

constexpr int kMaxKeys = 250'000;
constexpr std::string_view kHeader = "key_id,values";

struct CensusOptions {
  std::string name;
  std::string max_age;
  std::string as_of;
  std::string file;
};

Outcome<int> PrintSource(const Session& session, const client::RpcResult<v1::CensusSource>& source) {
  if (!source.ok()) return source.error();
  google::protobuf::RepeatedPtrField<v1::CensusSource> one;
  *one.Add() = *source;
  COFFER_TRY(session.json() ? PrintJson(SourceJson(*source)) : Print(SourcesText(one)));
  return kExitOk;
}

Outcome<int> Add(Session& session, const CensusOptions& options) {
  auto max_age = ParseDuration(options.max_age);
  if (!max_age.ok()) return Failure(std::move(max_age).error().At("--max-age"));
  v1::RegisterCensusSourceRequest request;
  request.set_name(options.name);
  request.set_max_age_us(*max_age);
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  return PrintSource(session, client->RegisterCensusSource(request));
}

Outcome<int> Remove(Session& session, const CensusOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::RemoveCensusSourceRequest request;
  request.set_name(options.name);
  COFFER_TRY(client->RemoveCensusSource(request));
  COFFER_TRY(session.json() ? PrintJson({{"removed", options.name}}) : Print(options.name + ": removed\n"));
  return kExitOk;
}

Outcome<int> List(Session& session) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  COFFER_ASSIGN_OR_RETURN(const auto answer, client->ListCensusSources(v1::ListCensusSourcesRequest()));
  Json list = Json::array();
  for (const v1::CensusSource& source : answer.sources()) list.push_back(SourceJson(source));
  COFFER_TRY(session.json() ? PrintJson({{"sources", list}}) : Print(SourcesText(answer.sources())));
  return kExitOk;
}

Outcome<int> Show(Session& session, const CensusOptions& options) {
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAdminRole));
  v1::GetCensusRequest request;
  request.set_keyring(options.name);
  COFFER_ASSIGN_OR_RETURN(const auto census, client->GetCensus(request));
  COFFER_TRY(session.json() ? PrintJson(CensusJson(census)) : Print(CensusText(census)));
  return kExitOk;
}

// "5,17": a key id and a count, in decimal.
bool AddCount(std::string_view line, v1::ReportCensusRequest& request) {
  std::uint64_t key_id = 0;
  std::uint64_t values = 0;
  const char* const end = line.data() + line.size();
  const auto id = std::from_chars(line.data(), end, key_id);
  if (id.ec != std::errc() || id.ptr == end || *id.ptr != ',') return false;
  const auto count = std::from_chars(id.ptr + 1, end, values);
  if (count.ec != std::errc() || count.ptr != end) return false;
  request.add_key_ids(key_id);
  request.add_values(values);
  return true;
}

Outcome<void> ReadCounts(const std::string& file, v1::ReportCensusRequest& request) {
  COFFER_ASSIGN_OR_RETURN(ByteSource source, ByteSource::Open(file));
  std::string line;
  for (;;) {
    line.clear();
    COFFER_ASSIGN_OR_RETURN(const bool more, source.ReadLine(line));
    if (!more) return {};
    std::string_view text = line;
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty() || (source.lines() == 1 && text == kHeader)) continue;
    if (!AddCount(text, request)) {
      return Failure(kExitUsage, "--file: line " + std::to_string(source.lines()) + " is not KEY_ID,VALUES");
    }
    if (request.key_ids_size() > kMaxKeys) return UsageFailure("--file: names more keys than 250,000");
  }
}

Outcome<int> Report(Session& session, const CensusOptions& options) {
  v1::ReportCensusRequest request;
  request.set_source(options.name);
  request.set_as_of_us(SystemClock().UnixMicros());
  if (!options.file.empty() && options.file != "-" && options.as_of.empty()) {
    // The counts are as old as their file.
    const Result<FileFacts> facts = FactsOf(options.file);
    if (facts.ok()) request.set_as_of_us(std::min(request.as_of_us(), facts->modified_unix_micros));
  }
  if (!options.as_of.empty()) {
    auto as_of = ParseTime(options.as_of);
    if (!as_of.ok()) return Failure(std::move(as_of).error().At("--as-of"));
    request.set_as_of_us(*as_of);
  }
  COFFER_TRY(ReadCounts(options.file, request));
  COFFER_ASSIGN_OR_RETURN(client::Client* const client, session.Connect(kAppRole));
  return PrintSource(session, client->ReportCensus(request));
}

CLI::App& AddCensusCommand(CommandTree& tree, CLI::App& group, const std::string& name, const std::string& description,
                           const std::string& examples, const std::shared_ptr<CensusOptions>& options,
                           const std::string& what, Outcome<int> (*act)(Session&, const CensusOptions&)) {
  CLI::App& command = tree.AddCommand(group, name, description, examples,
                                      [options, act](Session& session) { return act(session, *options); });
  command.add_option("name", options->name, what)->type_name("NAME")->required()->check(IsName());
  return command;
}

}  // namespace

void AddCensusCommands(CommandTree& tree) {
  CLI::App& group = tree.AddGroup("census", "How many values name each key: asked before keys are destroyed");
  const auto options = [] { return std::make_shared<CensusOptions>(); };
  auto adding = options();
  AddCensusCommand(tree, group, "add", "Register a source: nothing is destroyed without its fresh zero",
                   "  coffer census add shop-db --max-age 2d", adding, "The source", Add)
      .add_option("--max-age", adding->max_age, "How old a report may be, like 2d")
      ->type_name("DURATION")
      ->required();
  auto removing = options();
  tree.AddApprovalOptions(
      AddCensusCommand(tree, group, "remove", "Remove a source: what it holds is not counted any more",
                       "  coffer census remove shop-db --ask 'the database is gone'", removing, "The source", Remove));
  tree.AddCommand(group, "list", "All sources, and what their reports are worth", "  coffer census list --role dba",
                  List);
  auto reporting = options();
  CLI::App& report =
      AddCensusCommand(tree, group, "report", "Report what a source holds: lines of KEY_ID,VALUES; no line is no value",
                       "  coffer census report shop-db --file counts.csv\n"
                       "  psql -qAt -F, -f counts.sql | coffer census report shop-db",
                       reporting, "The source", Report);
  report.add_option("--file", reporting->file, "The counts; standard input unless told")->type_name("FILE");
  report
      .add_option(
          "--as-of", reporting->as_of,
          "When it was counted, like 2026-11-21T00:42:16Z; the time of the file unless told, of standard input now")
      ->type_name("TIME");
  AddCensusCommand(tree, group, "show", "The census of a keyring, and which versions may be destroyed",
                   "  coffer census show shop", options(), "The keyring", Show);
}

}  // namespace coffer::cli
