// What AuditService refuses, on the wire.
#include <unistd.h>

#include "coffer/v1/audit.pb.h"
#include "tests/keysvc/rpc/bad_input.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

const std::string kMarkerText = kMarker;

class BadAuditInputs : public BadInput {
 protected:
  // The index has to be open, or everything is answered with UNAVAILABLE.
  void SetUp() override {
    StartShop();
    ASSERT_TRUE(WaitUntil([this] { return Call("AuditService.QueryRecords", "").ok(); }));
  }
  static const std::vector<std::string>& Filtered() {
    static const std::vector<std::string> kRpcs = {"AuditService.QueryRecords", "AuditService.AggregateRecords",
                                                   "AuditService.TailRecords"};
    return kRpcs;
  }
  static std::string With(const std::string& rpc, const std::string& filter) {
    const std::string by = rpc == "AuditService.AggregateRecords" ? "by: RECORD_DIMENSION_ROLE " : "";
    return by + "filter { " + filter + " }";
  }
};

TEST_F(BadAuditInputs, FiltersOfEveryRpcThatHasOne) {
  const std::string long_name = Quoted(kMarkerText + std::string(1'024, 'x'));
  const std::vector<std::pair<std::string, std::string>> filters = {
      {"from_us: -1", "filter.from_us: must not be before 1970"},
      {"to_us: -9223372036854775808", "filter.to_us: must not be before 1970"},
      {"from_us: 9 to_us: 8", "filter.from_us: must not be after to_us"},
      {"from_index: 9 to_index: 8", "filter.from_index: must not be above to_index"},
      {"from_index: 18446744073709551615 to_index: 0", "filter.from_index: must not be above to_index"},
      {"type: 11", "filter.type: is not a type"},
      {"type: -1", "filter.type: is not a type"},
      {"role: " + Quoted(kMarkerText), "filter.role: is not a role"},
      {"operation: " + Quoted(kMarkerText), "filter.operation: is not an operation's name"},
      {"operation: 'decryptfields'", "filter.operation: is not an operation's name"},
      {"outcome: " + Quoted(kMarkerText), "filter.outcome: is neither ok nor an error's name"},
      {"principal: " + long_name, "filter.principal: is longer than allowed (limit 1024)"},
      {"object: " + long_name, "filter.object: is longer than allowed (limit 1024)"},
      {"tenant: " + Quoted(kMarkerText + std::string(63, 't')), "filter.tenant: is longer than allowed (limit 63)"},
      {"request_id: " + Quoted(kMarkerText + std::string(64, 'r')), "filter.request_id: is longer than allowed"},
      {"key_id: 9223372036854775808", "filter.key_id: is not a key's id"},
      {"key_id: 18446744073709551615", "filter.key_id: is not a key's id"},
      {"row {}", "filter.row: "},
      {"row { parts {} }", "filter.row: "},
      {"row { parts { uuid: " + Quoted(kMarkerText) + " } }", "filter.row: a UUID has 16 bytes"},
      {"row { parts { text: " + Quoted(std::string(4'097, 't')) + " } }", "filter.row: "},
      {"row { " + Times(256, "parts { int64: 1 } ") + "}", "filter.row: has more parts than allowed (limit 255)"},
  };
  for (const std::string& rpc : Filtered()) {
    for (const auto& [filter, text] : filters) ExpectRefused(Invalid(rpc, With(rpc, filter), text));
  }
}

TEST_F(BadAuditInputs, Pages) {
  const std::string rpc = "AuditService.QueryRecords";
  for (const char* size : {"1001", "4294967295"}) {
    ExpectRefused(Invalid(rpc, "page_size: " + std::string(size), "page_size: is more than allowed (limit 1000)"));
  }
  for (const std::string& token : {kMarkerText, std::string("n"), std::string("o1"), std::string("n-1"),
                                   std::string("n1 "), std::string("n\0", 2), std::string("n99999999999999999999")}) {
    ExpectRefused(Invalid(rpc, "page_token: " + Quoted(token), "page_token: is not a page token of this order"));
  }
  ExpectRefused(Invalid(rpc, "page_token: 'n1' oldest_first: true", "page_token: is not a page token of this order"));
}

TEST_F(BadAuditInputs, Dimensions) {
  const std::string rpc = "AuditService.AggregateRecords";
  const std::string one_or_two = "by: must be one or two different dimensions";
  ExpectRefused({
      Invalid(rpc, "", one_or_two),
      Invalid(rpc, "by: RECORD_DIMENSION_ROLE by: RECORD_DIMENSION_ROLE", one_or_two),
      Invalid(rpc, "by: RECORD_DIMENSION_ROLE by: RECORD_DIMENSION_HOUR by: RECORD_DIMENSION_DAY", one_or_two),
      Invalid(rpc, Times(100'000, "by: 1 "), one_or_two),
      Invalid(rpc, "by: RECORD_DIMENSION_UNSPECIFIED", "by: is not a dimension"),
      Invalid(rpc, "by: 9", "by: is not a dimension"),
      Invalid(rpc, "by: -1", "by: is not a dimension"),
  });
}

TEST_F(BadAuditInputs, Tails) {
  const std::string rpc = "AuditService.TailRecords";
  ExpectRefused({
      Invalid(rpc, "filter { to_us: 5 }", "filter.to_us: is nothing that a tail has"),
      Invalid(rpc, "filter { to_index: 5 }", "filter.to_index: is nothing that a tail has"),
      Invalid(rpc, "filter { from_index: 1000000 }", "filter.from_index: is behind the end of the log"),
      Invalid(rpc, "filter { from_index: 18446744073709551614 }", "filter.from_index: is behind the end of the log"),
  });
}

TEST_F(BadAuditInputs, Proofs) {
  ExpectRefused({
      Invalid("AuditService.ProveRecord", "index: 1000000", "index: is behind the end of the log"),
      Invalid("AuditService.ProveRecord", "index: 18446744073709551615", "index: is behind the end of the log"),
      Invalid("AuditService.ProveConsistency", "from_size: 1000000", "from_size: must not be above to_size"),
      Invalid("AuditService.ProveConsistency", "to_size: 1000000", "to_size: is more than the last checkpoint signs"),
      Invalid("AuditService.ProveConsistency", "from_size: 18446744073709551615 to_size: 18446744073709551615",
              "to_size: is more than the last checkpoint signs"),
      Invalid("AuditService.ProveConsistency", "from_size: 2 to_size: 1", "from_size: must not be above to_size"),
  });
}

TEST_F(BadAuditInputs, WhatAnAuditorLooksForIsInNoLog) {
  const Answer found = As(policy::Role::kAuditor)
                           .Call("AuditService.QueryRecords", "filter { principal: " + Quoted(kMarkerText) +
                                                                  " object: " + Quoted(kMarkerText) + " }");
  EXPECT_TRUE(found.ok()) << found.ToText();
  EXPECT_EQ(LogLineWith(kMarkerText), "");
  daemon.reset();
  EXPECT_NE(std::system(("grep -raq '" + kMarkerText + "' '" + data_dir() + "'").c_str()), 0);
  EXPECT_EQ(std::system(("grep -raq QueryRecords '" + data_dir() + "'").c_str()), 0) << "grep finds what is there";
}

}  // namespace
}  // namespace coffer::keysvc
