// AuditServiceFixture: the audit log's service over a log in a temporary folder, which publishes when the test says so.
#pragma once

#include "keysvc/service/audit_service.h"
#include "tests/keysvc/service/service_fixture.h"

namespace coffer::keysvc {

class AuditServiceFixture : public ServiceFixture {
 protected:
  void SetUp() override {
    audit::LogOptions options;
    options.folder = folder / "audit";
    options.key_file = folder / "audit.key";
    options.file_bytes = 1 << 20;
    options.publish_every = std::chrono::hours(1);  // The tests publish.
    Result<std::unique_ptr<audit::Log>> opened = audit::Log::Open(options, clock);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    log = std::move(opened).value();
    index = std::make_unique<audit::QueryIndex>(*log, clock, folder / "audit/index.sqlite");
    service = std::make_unique<AuditService>(pipeline, *log, *index);
  }
  void Append(const std::string& principal, std::uint64_t count = 1, bool allowed = true) {
    audit::Record record;
    record.role = "app";
    record.operation = "DecryptFields";
    record.object = "shop.user.email";
    record.tenant = "default";
    record.allowed = allowed;
    record.outcome = allowed ? "ok" : "permission_denied";
    record.items = 1;
    record.personal.principal = principal;
    for (std::uint64_t i = 0; i < count; ++i) {
      record.request_id = "r" + std::to_string(++appended);
      ASSERT_TRUE(log->AppendAndWait(record).ok());
    }
  }
  // What the daemon's thread does once a second.
  void Follow() {
    while (true) {
      const auto progress = index->Follow();
      ASSERT_TRUE(progress.ok()) << progress.error().ToString();
      if (!progress->more) break;
    }
    service->Advance();
  }
  // As a door does it: what is withheld of a refusal is recorded.
  Result<std::unique_ptr<AuditTail>> Tail(const Caller& caller, const TailAsked& asked) {
    Withheld withheld;
    Caller with = caller;
    with.withheld = &withheld;
    auto tail = service->Tail(with, asked);
    EXPECT_EQ(withheld.record.has_value(), !tail.ok());
    if (withheld.record) pipeline.Release(withheld, [](const Pipeline::Verdict&) {});
    return tail;
  }
  // As a door reads, by whoever calls now.
  Result<AuditTail::Batch> Next(AuditTail& tail) const {
    return tail.Next([this] { return caller_now; });
  }
  static Caller AuditorNamed(const std::string& id) {
    Caller caller = LocalCaller(policy::Role::kAuditor);
    caller.principal.id = id;
    return caller;
  }
  // The error of a query with this filter; the test fails when it succeeds, or acts, or is not recorded.
  void ExpectRefused(const audit::RecordFilter& filter, std::string_view text) {
    recorded.records.clear();
    const auto refused = service->Query(auditor, {.filter = filter});
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(refused.error().ToString().find(text), std::string::npos) << refused.error().ToString();
    ASSERT_EQ(recorded.records.size(), 1u);
    EXPECT_FALSE(recorded.records.front().ok);
    EXPECT_EQ(service->Aggregate(auditor, filter, {audit::GroupBy::kRole}).error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(Tail(auditor, {.filter = filter}).error().code(), ErrorCode::kInvalidArgument);
  }

  std::unique_ptr<audit::Log> log;
  std::unique_ptr<audit::QueryIndex> index;
  std::unique_ptr<AuditService> service;
  Result<Caller> caller_now = auditor;
  std::uint64_t appended = 0;
};

}  // namespace coffer::keysvc
