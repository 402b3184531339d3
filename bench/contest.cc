#include "bench/contest.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <set>

#include "bench/spread.h"
#include "client/search.h"
#include "crypto/bytes.h"

namespace coffer::bench {
namespace {

using Ids = std::set<std::int64_t>;

v1::IndexTokensRequest RequestOf(const Contest& contest, const std::string& index, std::size_t first, std::size_t end) {
  v1::IndexTokensRequest request;
  for (std::size_t i = first; i < end; ++i) {
    v1::IndexQuery& query = *request.add_queries();
    query.set_field(contest.field);
    *query.mutable_search() = contest.questions[i].search;
    query.mutable_search()->set_index(index);
  }
  return request;
}

std::string ParameterOf(const v1::IndexAnswer& answer, TokenParameter form) {
  COFFER_CHECK(answer.versions_size() == 1 && answer.versions(0).sets_size() == 1);
  const v1::TokenSet& set = answer.versions(0).sets(0);
  if (form == TokenParameter::kOne) {
    COFFER_CHECK(set.numbers_size() + set.bytes_size() == 1);
    return set.bytes().empty() ? std::to_string(set.numbers(0)) : "\\x" + ToHex(AsBytes(set.bytes(0)));
  }
  std::string text;
  for (const std::int64_t number : set.numbers()) text += (text.empty() ? "{" : ",") + std::to_string(number);
  return text + "}";
}

std::vector<std::string> TokensFor(client::Client& client, const v1::IndexTokensRequest& request, TokenParameter form) {
  const auto response = client.IndexTokens(request);
  COFFER_CHECK(response.ok());
  std::vector<std::string> parameters;
  for (const v1::IndexAnswer& answer : response->answers()) parameters.push_back(ParameterOf(answer, form));
  return parameters;
}

// Takes those candidates, from `first` on and as many as a call may have, out of `ids` that are something else.
std::size_t DropMismatches(client::Client& client, const Contest& contest, const v1::Search& search,
                           const Rows& candidates, std::size_t first, Ids& ids) {
  constexpr std::size_t kMostOfACall = 4096;
  const std::size_t end = std::min(first + kMostOfACall, candidates.size());
  v1::Column column;
  column.set_field(contest.field);
  for (std::size_t i = first; i < end; ++i) {
    column.add_rows()->add_parts()->set_int64(candidates.Bigint(i, 0));
    column.add_values(std::string(candidates.Cell(i, 1)));
  }
  const auto response = DecryptFound(client, std::move(column), search);
  COFFER_CHECK(response.ok());
  for (const v1::ItemError& error : response->columns(0).errors()) {
    COFFER_CHECK(error.code() == v1::ITEM_ERROR_CODE_NO_MATCH);
    ids.erase(candidates.Bigint(first + error.index(), 0));
  }
  return end;
}

Ids IdsOf(const Rows& rows) {
  Ids ids;
  for (std::size_t i = 0; i < rows.size(); ++i) ids.insert(rows.Bigint(i, 0));
  return ids;
}

// The rows that are what was searched for.
Ids DecryptAndCheck(client::Client& client, const Contest& contest, const std::string& index, const Question& question,
                    const Rows& candidates) {
  v1::Search search = question.search;
  search.set_index(index);
  Ids ids = IdsOf(candidates);
  std::size_t done = 0;
  while (done < candidates.size()) done = DropMismatches(client, contest, search, candidates, done, ids);
  return ids;
}

// One way to answer a question: how many rows it finds.
struct Way {
  std::string name;
  std::function<std::size_t(std::size_t)> answer;
};

struct Latencies {
  std::vector<double> p50_us;
  std::vector<double> p95_us;
  std::uint64_t rows = 0;
  std::uint64_t answers = 0;
};

void RunRound(const Way& way, std::size_t questions, int repeats, Latencies& latencies) {
  std::vector<double> times;
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (std::size_t question = 0; question < questions; ++question) {
      const auto start = std::chrono::steady_clock::now();
      latencies.rows += way.answer(question);
      times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
    }
  }
  std::sort(times.begin(), times.end());
  latencies.answers += times.size();
  latencies.p50_us.push_back(times[times.size() / 2]);
  latencies.p95_us.push_back(times[times.size() * 95 / 100]);
}

// All ways take turns in each round. The first is the baseline. A round before them is not counted.
nlohmann::json RunWays(const std::vector<Way>& ways, std::size_t questions, int rounds, int repeats) {
  std::vector<Latencies> latencies(ways.size());
  for (int round = 0; round <= rounds; ++round) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      Latencies warm_up;
      RunRound(ways[i], questions, repeats, round == 0 ? warm_up : latencies[i]);
    }
  }
  nlohmann::json report;
  for (std::size_t i = 0; i < ways.size(); ++i) {
    std::vector<double> ratios = latencies[i].p50_us;
    for (std::size_t round = 0; round < ratios.size(); ++round) ratios[round] /= latencies[0].p50_us[round];
    report[ways[i].name] = {
        {"p50_us", AsJson(SpreadOf(latencies[i].p50_us))},
        {"p95_us", AsJson(SpreadOf(latencies[i].p95_us))},
        {"ratio", AsJson(SpreadOf(ratios))},
        {"rows", static_cast<double>(latencies[i].rows) / static_cast<double>(latencies[i].answers)}};
  }
  return report;
}

// A contest made ready: statements prepared, tokens fetched.
class Prepared {
 public:
  Prepared(const Database& database, client::Client& client, const Contest& contest)
      : database_(database), client_(client), contest_(contest) {
    database_.Prepare(Name("plaintext"), contest.plaintext_sql);
    for (const Contender& contender : contest.contenders) {
      database_.Prepare(Name(contender.name), contender.sql);
      tokens_.push_back(
          TokensFor(client_, RequestOf(contest, contender.index, 0, contest.questions.size()), contender.parameter));
    }
  }

  // Rows that every contender finds must be those that the plaintext finds.
  void Check() const {
    for (std::size_t question = 0; question < contest_.questions.size(); ++question) {
      const Ids meant = IdsOf(Plaintext(question));
      COFFER_CHECK(meant.empty() == (question == 0));
      for (std::size_t contender = 0; contender < contest_.contenders.size(); ++contender) {
        if (Checked(contender, question, Query(contender, question)) == meant) continue;
        std::cerr << "search: " << contest_.name << ", " << contest_.contenders[contender].name
                  << ": the rows that were found are not those of the plaintext\n";
        std::exit(1);
      }
    }
  }

  // Of the plaintext and of each contender, by name.
  nlohmann::json TablesReadWhole() const {
    nlohmann::json names = nlohmann::json::array();
    if (database_.ReadsWholeTable(Name("plaintext"), contest_.questions[1].plaintext)) names.push_back("plaintext");
    for (std::size_t i = 0; i < contest_.contenders.size(); ++i) {
      if (database_.ReadsWholeTable(Name(contest_.contenders[i].name), {tokens_[i][1]})) {
        names.push_back(contest_.contenders[i].name);
      }
    }
    return names;
  }

  std::vector<Way> Queries() const {
    std::vector<Way> ways = {PlaintextWay()};
    for (std::size_t i = 0; i < contest_.contenders.size(); ++i) {
      ways.push_back({contest_.contenders[i].name, [this, i](std::size_t q) { return Query(i, q).size(); }});
    }
    return ways;
  }

  // By the first contender.
  std::vector<Way> EndToEnd() const {
    return {PlaintextWay(),
            {"index_tokens", [this](std::size_t q) { return Ask(q).empty() ? 1U : 0U; }},
            {"query", [this](std::size_t q) { return Query(0, q).size(); }},
            {"decrypt_and_check", [this](std::size_t q) { return Checked(0, q, candidates_.at(q)).size(); }},
            {"all", [this](std::size_t q) { return Checked(0, q, Run(0, Ask(q))).size(); }}};
  }

  // For "decrypt_and_check".
  void KeepCandidates() {
    for (std::size_t q = 0; q < contest_.questions.size(); ++q) candidates_.push_back(Query(0, q));
  }

 private:
  std::string Name(const std::string& way) const { return contest_.name + "_" + way; }
  Way PlaintextWay() const {
    return {"plaintext", [this](std::size_t q) { return Plaintext(q).size(); }};
  }
  Rows Plaintext(std::size_t question) const {
    return database_.Run(Name("plaintext"), contest_.questions[question].plaintext);
  }
  Rows Run(std::size_t contender, const std::string& tokens) const {
    return database_.Run(Name(contest_.contenders[contender].name), {tokens});
  }
  Rows Query(std::size_t contender, std::size_t question) const { return Run(contender, tokens_[contender][question]); }
  std::string Ask(std::size_t question) const {
    const Contender& first = contest_.contenders[0];
    return TokensFor(client_, RequestOf(contest_, first.index, question, question + 1), first.parameter)[0];
  }
  Ids Checked(std::size_t contender, std::size_t question, const Rows& candidates) const {
    return DecryptAndCheck(client_, contest_, contest_.contenders[contender].index, contest_.questions[question],
                           candidates);
  }

  const Database& database_;
  client::Client& client_;
  const Contest& contest_;
  std::vector<std::vector<std::string>> tokens_;  // of each contender, for each question
  std::vector<Rows> candidates_;
};

}  // namespace

nlohmann::json RunContest(const Database& database, client::Client& client, const Contest& contest, int rounds) {
  Prepared prepared(database, client, contest);
  prepared.Check();
  nlohmann::json report = RunWays(prepared.Queries(), contest.questions.size(), rounds, contest.repeats);
  report["reads_whole_table"] = prepared.TablesReadWhole();
  prepared.KeepCandidates();
  report["end_to_end"] = RunWays(prepared.EndToEnd(), contest.questions.size(), rounds, 1);
  return report;
}

}  // namespace coffer::bench
