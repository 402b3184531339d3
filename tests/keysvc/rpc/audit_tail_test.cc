// Reading the audit log on the wire: what calls leave behind, and tails.
#include <atomic>
#include <future>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <grpcpp/create_channel_posix.h>

#include "coffer/v1/audit.grpc.pb.h"
#include "io/mutex.h"
#include "io/unix_socket.h"
#include "tests/keysvc/rpc/rpc_fixture.h"
#include "tests/keysvc/service/people.h"
#include "tests/support/wait_until.h"

namespace coffer::keysvc {
namespace {

using policy::Role;

// One TailRecords call on a connection of its own. Reads on a thread.
class TailReader {
 public:
  TailReader(const std::string& socket, const v1::TailRecordsRequest& request)
      : connection_(ConnectUnix(socket).value()), vanishing_(dup(connection_.get())) {
    stub_ = v1::AuditService::NewStub(grpc::CreateInsecureChannelFromFd("tail", connection_.Release()));
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(60));
    reader_ = stub_->TailRecords(&context_, request);
    reader_->WaitForInitialMetadata();
  }
  ~TailReader() {
    context_.TryCancel();
    Status();
  }
  TailReader(const TailReader&) = delete;
  TailReader& operator=(const TailReader&) = delete;

  std::uint64_t own_index() const {
    const auto found = context_.GetServerInitialMetadata().find("coffer-audit-index");
    if (found == context_.GetServerInitialMetadata().end()) return 0;
    return std::stoull(std::string(found->second.data(), found->second.size()));
  }
  // Starts to read; before that, nothing is.
  void Read() {
    thread_ = std::thread([this] {
      v1::TailRecordsResponse message;
      while (reader_->Read(&message)) {
        const Lock held(mutex_);
        for (const v1::AuditRecord& record : message.records()) records_.push_back(record);
      }
      ended_ = true;
    });
  }
  std::vector<v1::AuditRecord> records() {
    const Lock held(mutex_);
    return records_;
  }
  bool Has(const std::string& operation) {
    for (const v1::AuditRecord& record : records()) {
      if (record.operation() == operation) return true;
    }
    return false;
  }
  // Nothing comes any more.
  bool ended() const { return ended_; }
  void Cancel() { context_.TryCancel(); }
  // As when the reader's process is killed: not a word more.
  void Vanish() { shutdown(vanishing_.get(), SHUT_RDWR); }
  grpc::Status Status() {
    if (!thread_.joinable() && !status_) Read();
    if (thread_.joinable()) thread_.join();
    if (!status_) status_ = reader_->Finish();
    return *status_;
  }

 private:
  UniqueFd connection_;
  UniqueFd vanishing_;  // the same socket
  std::unique_ptr<v1::AuditService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::TailRecordsResponse>> reader_;
  Mutex mutex_;
  std::vector<v1::AuditRecord> records_ COFFER_GUARDED_BY(mutex_);
  std::atomic<bool> ended_{false};
  std::thread thread_;
  std::optional<grpc::Status> status_;
};

class AuditWireTest : public RpcFixture {
 protected:
  void SetUp() override { StartShop(); }
  std::string Socket() const { return data_dir() + "/auditor.sock"; }
  std::unique_ptr<TailReader> Tail(const v1::TailRecordsRequest& request = {}) const {
    return std::make_unique<TailReader>(Socket(), request);
  }
  // Records that fit, as soon as there are so many.
  std::vector<v1::AuditRecord> Find(const std::string& request, int count) {
    std::vector<v1::AuditRecord> records;
    EXPECT_TRUE(WaitUntil([&] {
      const Answer answer = As(Role::kAuditor).Call("AuditService.QueryRecords", request);
      if (!answer.ok()) return false;
      const auto page = answer.As<v1::QueryRecordsResponse>();
      records.assign(page.records().begin(), page.records().end());
      return page.records_size() >= count;
    })) << request;
    return records;
  }
  // The record of a tail's end.
  v1::AuditRecord EndOf(std::uint64_t begin) {
    v1::AuditRecord end;
    EXPECT_TRUE(WaitUntil([&] {
      for (const v1::AuditRecord& record :
           Find("filter { operation: 'TailRecords' type: AUDIT_RECORD_TYPE_RESULT }", 1)) {
        if (record.begin_index() == begin) end = record;
      }
      return end.has_begin_index();
    })) << begin;
    return end;
  }

  static constexpr int kMaxTails = 4;  // of one caller
};

TEST_F(AuditWireTest, ACallIsFoundByAllThatItSays) {
  const std::string uid = std::to_string(geteuid());
  const Answer encrypted =
      As(Role::kApp)
          .Call("FieldService.EncryptFields",
                "columns { field: 'shop.user.email' rows { parts { int64: 7 } } values: 'x' }",
                {{"coffer-purpose", "report"}, {"coffer-on-behalf-of", "bob"}, {"coffer-request-id", "req-42"}});
  ASSERT_TRUE(encrypted.ok()) << encrypted.ToText();
  for (const std::string filter :
       {"request_id: 'req-42'", "row { parts { int64: 7 } }", "operation: 'EncryptFields'",
        "object: 'shop.user.email' tenant: 'default'", "role: 'app' type: AUDIT_RECORD_TYPE_CALL outcome: 'ok'"}) {
    const std::vector<v1::AuditRecord> found =
        Find("filter { principal: 'unix:app:" + uid + "' operation: 'EncryptFields' " +
                 (filter == "operation: 'EncryptFields'" ? "" : filter) + " }",
             1);
    ASSERT_EQ(found.size(), 1u) << filter;
    const v1::AuditRecord& record = found.front();
    EXPECT_EQ(record.principal(), "unix:app:" + uid);
    EXPECT_EQ(record.purpose(), "report");
    EXPECT_EQ(record.on_behalf_of(), "bob");
    EXPECT_EQ(record.request_id(), "req-42");
    EXPECT_EQ(record.authentication(), "unix_socket");
    EXPECT_EQ(record.rule(), "app-fields");
    EXPECT_EQ(record.items(), 1u);
    EXPECT_EQ(record.key_ids_size(), 1);
    EXPECT_EQ(record.row_tags_size(), 1);
    EXPECT_EQ(record.row_tags(0).size(), 8u);
    EXPECT_TRUE(record.allowed());
    EXPECT_FALSE(record.has_begin_index());
    EXPECT_EQ(record.store().size(), 36u);
  }
  const std::string by_key =
      "filter { key_id: " + std::to_string(Find("filter { request_id: 'req-42' }", 1)[0].key_ids(0)) + " }";
  EXPECT_EQ(Find(by_key, 1).front().request_id(), "req-42");
}

TEST_F(AuditWireTest, AMutationIsABeginAndItsResult) {
  ASSERT_TRUE(Call("KeyService.RotateKeyring", "name: 'shop'").ok());
  const auto found = Find("filter { operation: 'RotateKeyring' }", 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].type(), v1::AUDIT_RECORD_TYPE_RESULT);
  EXPECT_EQ(found[1].type(), v1::AUDIT_RECORD_TYPE_BEGIN);
  EXPECT_EQ(found[0].begin_index(), found[1].index());
  EXPECT_EQ(found[0].objects(0), "shop");
  EXPECT_EQ(found[1].outcome(), "");
}

TEST_F(AuditWireTest, RefusalsAreCountedByWhoeverMadeThem) {
  EXPECT_FALSE(As(Role::kDba).Call("SecretService.GetSecret", "path: 'app/db'").ok());
  Find("filter { refused: true }", 1);
  const auto groups =
      As(Role::kAuditor)
          .Call("AuditService.AggregateRecords",
                "filter { refused: true } by: RECORD_DIMENSION_PRINCIPAL by: RECORD_DIMENSION_OPERATION")
          .As<v1::AggregateRecordsResponse>();
  ASSERT_EQ(groups.groups_size(), 1);
  EXPECT_EQ(groups.groups(0).keys(0).text(), "unix:dba:" + std::to_string(geteuid()));
  EXPECT_EQ(groups.groups(0).keys(1).text(), "GetSecret");
  EXPECT_EQ(groups.groups(0).refused(), 1u);
}

TEST_F(AuditWireTest, AnAuditorReadsWhileSealed) {
  ASSERT_TRUE(Call("AdminService.Seal", "").ok());
  const auto found = Find("filter { operation: 'Seal' type: AUDIT_RECORD_TYPE_RESULT }", 1);
  EXPECT_EQ(found.front().outcome(), "ok");
}

TEST_F(AuditWireTest, ATailGivesWhatComesBehindItsOwnRecord) {
  const auto tail = Tail();
  EXPECT_GT(tail->own_index(), 0u);
  tail->Read();
  ASSERT_TRUE(Call("KeyService.CreateTenant", "name: 'tailed'").ok());
  EXPECT_TRUE(WaitUntil([&] { return tail->Has("CreateTenant"); }));
  const std::vector<v1::AuditRecord> records = tail->records();
  EXPECT_EQ(records.front().index(), tail->own_index() + 1) << "nothing of before";
  for (std::size_t i = 1; i < records.size(); ++i) EXPECT_EQ(records[i].index(), records[i - 1].index() + 1);
  tail->Cancel();
  EXPECT_EQ(tail->Status().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(AuditWireTest, ATailFromTheBeginningEndsAtItsCount) {
  v1::TailRecordsRequest request;
  request.mutable_filter()->set_from_index(0);
  request.set_max_records(5);
  const auto tail = Tail(request);
  EXPECT_TRUE(tail->Status().ok());
  ASSERT_EQ(tail->records().size(), 5u);
  EXPECT_EQ(tail->records().front().type(), v1::AUDIT_RECORD_TYPE_BOOT);
}

TEST_F(AuditWireTest, OneTailThatRunsIsOneRecord) {
  const auto tail = Tail();
  tail->Read();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Call("KeyService.CreateTenant", "name: 't" + std::to_string(i) + "'").ok());
  EXPECT_TRUE(WaitUntil([&] { return tail->records().size() >= 10; }));
  const auto found = Find("filter { operation: 'TailRecords' }", 1);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found.front().type(), v1::AUDIT_RECORD_TYPE_BEGIN);
  EXPECT_EQ(found.front().index(), tail->own_index());
}

TEST_F(AuditWireTest, HoweverATailEndsItsEndIsRecordedAndItsPlaceIsFree) {
  struct Case {
    std::string name;
    std::uint64_t max_records;
    void (*end)(TailReader&);
    grpc::StatusCode code;
    std::string failure;
  };
  const std::vector<Case> cases = {
      {"counted", 2, [](TailReader&) {}, grpc::StatusCode::OK, ""},
      {"cancelled", 0, [](TailReader& tail) { tail.Cancel(); }, grpc::StatusCode::CANCELLED, "the reader left"},
      {"vanished", 0, [](TailReader& tail) { tail.Vanish(); }, grpc::StatusCode::UNAVAILABLE, "the reader left"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    v1::TailRecordsRequest request;
    request.mutable_filter()->set_operation("CreateTenant");
    request.mutable_filter()->set_type(v1::AUDIT_RECORD_TYPE_RESULT);
    request.set_max_records(one.max_records);
    const auto tail = Tail(request);
    tail->Read();
    std::vector<std::unique_ptr<TailReader>> others;
    for (int i = 1; i < kMaxTails; ++i) others.push_back(Tail());
    const grpc::Status refused = Tail()->Status();
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(refused.error_message(), "as many tails as one caller may have run already (limit 4)");
    for (const char* const name : {"-a", "-b"}) {
      ASSERT_TRUE(Call("KeyService.CreateTenant", "name: '" + one.name + name + "'").ok());
    }
    EXPECT_TRUE(WaitUntil([&] { return tail->records().size() == 2; }));
    one.end(*tail);
    EXPECT_EQ(tail->Status().error_code(), one.code);
    const v1::AuditRecord end = EndOf(tail->own_index());
    EXPECT_EQ(end.items(), 2u);
    EXPECT_EQ(end.outcome(), "ok");
    EXPECT_EQ(end.failure(), one.failure);
    EXPECT_EQ(end.principal(), "unix:auditor:" + std::to_string(geteuid()));
    // Whoever comes now finds the place free, and ends at once, so that the next case has all four.
    v1::TailRecordsRequest first;
    first.mutable_filter()->set_from_index(0);
    first.set_max_records(1);
    EXPECT_TRUE(WaitUntil([&] { return Tail(first)->Status().ok(); }));
    for (const auto& other : others) other->Cancel();
    for (const auto& other : others) EndOf(other->own_index());
  }
}

TEST_F(AuditWireTest, ATailEndsWhenAPolicyTakesItAway) {
  v1::TailRecordsRequest from_the_beginning;
  from_the_beginning.mutable_filter()->set_from_index(0);
  const auto tail = Tail(from_the_beginning);
  tail->Read();
  EXPECT_TRUE(WaitUntil([&] { return !tail->records().empty(); }));
  const People people("unix:admin:" + std::to_string(geteuid()));
  const StoreUuid store = StoreUuid::Parse(RpcFixture::Status().store_uuid()).value();
  const std::string text =
      people.PolicyText(1, "[forbid.no-tails]\nroles = [\"auditor\"]\noperations = [\"TailRecords\"]\n");
  const Answer applied = Call("AccessService.ApplyPolicy",
                              "policy: " + Quoted(text) + " signatures: " + Quoted(people.Signatures(store, text, 1)));
  ASSERT_TRUE(applied.ok()) << applied.ToText();
  const grpc::Status status = tail->Status();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << status.error_message();
  const v1::AuditRecord end = EndOf(tail->own_index());
  EXPECT_EQ(end.outcome(), "permission_denied");
  EXPECT_EQ(end.rule(), "no-tails");
  EXPECT_EQ(end.policy_serial(), 1u);
  EXPECT_FALSE(end.allowed());
  EXPECT_EQ(end.items(), tail->records().size());
  for (const v1::AuditRecord& record : tail->records()) {
    EXPECT_NE(record.type() == v1::AUDIT_RECORD_TYPE_RESULT ? record.operation() : "", "ApplyPolicy");
  }
}

TEST_F(AuditWireTest, ATailThatIsRefusedIsABeginAndItsResult) {
  v1::TailRecordsRequest behind;
  behind.mutable_filter()->set_from_index(1'000'000);
  EXPECT_EQ(Tail(behind)->Status().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const auto found = Find("filter { operation: 'TailRecords' }", 2);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].begin_index(), found[1].index());
  EXPECT_EQ(found[0].outcome(), "invalid_argument");
  EXPECT_EQ(found[0].items(), 0u);
}

TEST_F(AuditWireTest, ATailThatNobodyReadsHoldsNobodyUp) {
  v1::TailRecordsRequest from_the_beginning;
  from_the_beginning.mutable_filter()->set_from_index(0);
  const auto stuck = Tail(from_the_beginning);
  const auto tail = Tail();
  tail->Read();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(Call("SecretService.GetSecret", "path: 'app/db'").ok());
  ASSERT_TRUE(Call("KeyService.CreateTenant", "name: 'last'").ok());
  EXPECT_TRUE(WaitUntil([&] { return tail->Has("CreateTenant"); }));
}

TEST_F(AuditWireTest, TailsEndWhenTheServiceStops) {
  std::vector<std::unique_ptr<TailReader>> tails;
  for (int i = 0; i < 4; ++i) {
    tails.push_back(Tail());
    tails.back()->Read();
  }
  std::future<void> stopped = std::async(std::launch::async, [this] { daemon->Stop(); });
  for (const auto& tail : tails) EXPECT_EQ(tail->Status().error_code(), grpc::StatusCode::UNAVAILABLE);
  stopped.get();
  StartDaemon(DefaultSockets());
  for (const auto& tail : tails) {
    const v1::AuditRecord end = EndOf(tail->own_index());
    EXPECT_EQ(end.outcome(), "unavailable");
    EXPECT_EQ(end.failure(), "the service is stopping: try again later");
  }
}

TEST_F(AuditWireTest, TailsComeAndGoWhileCallsAreMade) {
  std::atomic<bool> stop{false};
  std::thread caller([&] {
    const Wire wire = Wire::ToSocket(data_dir() + "/app.sock");
    while (!stop) EXPECT_TRUE(wire.Call("SecretService.GetSecret", "path: 'app/db'").ok());
  });
  for (int i = 0; i < 40; ++i) {
    v1::TailRecordsRequest request;
    if (i % 2 == 0) request.mutable_filter()->set_from_index(0);
    std::unique_ptr<TailReader> tail;
    // Refused while the places of those before are not free yet.
    EXPECT_TRUE(WaitUntil([&] {
      tail = Tail(request);
      tail->Read();
      if (i % 4 != 0) return true;
      return WaitUntil([&] { return !tail->records().empty() || tail->ended(); }) && !tail->records().empty();
    }));
    tail->Cancel();
  }
  stop = true;
  caller.join();
}

}  // namespace
}  // namespace coffer::keysvc
