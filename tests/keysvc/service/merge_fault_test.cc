// Power, disks and journals fail in the middle of a merge: the centre is as it was, or has all of it.
#include "io/fault_vfs.h"
#include "keysvc/store/sqlite_store.h"
#include "tests/keysvc/service/merge_fixture.h"

namespace coffer::keysvc {
namespace {

class MergeFaultTest : public MergeFixture {
 protected:
  void SetUp() override {
    centre.store = OpenStore();
    StartBoth();
    request_.emplace(centre.RequestFor(edge, {.renames = {{"default", "edge"}}}));
  }
  void TearDown() override {
    centre.Close();
    centre.store.reset();
  }
  // The process ends, the machine comes back.
  void Reboot() {
    centre.Close();
    centre.store.reset();
    vfs_.Reboot();
    centre.journal.Reboot();
    centre.store = OpenStore();
    Unseal();
  }
  // The centre as it was before, in files of its own.
  void StartFrom(const StoreImage& image, const std::map<std::string, Bytes>& journal, std::uint64_t number) {
    centre.Close();
    centre.store.reset();
    file_ = "store" + std::to_string(number) + ".db";
    centre.store = OpenStore();
    ASSERT_TRUE(image.WriteTo(*centre.store).ok());
    centre.journal.files() = journal;
    Unseal();
  }
  void Unseal() {
    centre.Open();
    const auto unsealed = centre.admin_service->Unseal(centre.admin, centre.KeyFile());
    ASSERT_TRUE(unsealed.ok()) << unsealed.error().ToString();
  }
  std::unique_ptr<KeyStore> OpenStore() const { return SqliteStore::Open({file_, vfs_.name(), 0}).value(); }
  // True: all of it is there.
  bool IsMerged() {
    const bool tenant = centre.keys->GetTenant(centre.admin, "edge").ok();
    EXPECT_EQ(centre.keys->GetKeyring(centre.admin, "shop")->versions.size(), tenant ? 5U : 2U);
    EXPECT_EQ(centre.RowsOf(Table::kVersionOrigin).empty(), !tenant);
    if (tenant) ExpectWorks(centre, edge);
    ExpectWorks(centre, centre);
    EXPECT_TRUE(centre.operators->Check(centre.admin)->journal_complete);
    return tenant;
  }

  FaultVfs vfs_{5};
  std::string file_ = "store.db";
  std::optional<OperatorService::MergeRequest> request_;
};

TEST_F(MergeFaultTest, PowerFailsAtEveryStepOfTheStore) {
  const StoreImage image = StoreImage::Of(**centre.store->Begin()).value();
  const auto files = centre.journal.files();
  bool crashed = true;
  std::uint64_t step = 0;
  while (crashed) {
    SCOPED_TRACE(++step);
    ASSERT_LT(step, 500U);
    StartFrom(image, files, step);
    vfs_.CrashAtStep(step);
    const Result<MergeFacts> merged = centre.operators->Merge(centre.admin, *request_);
    crashed = vfs_.crashed();
    EXPECT_TRUE(merged.ok() || merged.error().code() == ErrorCode::kUnavailable) << merged.error().ToString();
    Reboot();
    const bool is_merged = IsMerged();
    EXPECT_TRUE(is_merged || !merged.ok()) << "what was acknowledged is there";
    const Result<MergeFacts> again = centre.operators->Merge(centre.admin, *request_);
    ASSERT_TRUE(again.ok()) << again.error().ToString();
    EXPECT_EQ(again->changed, !is_merged);
  }
  EXPECT_GT(step, 3U);
}

TEST_F(MergeFaultTest, PowerFailsAtEveryStepOfTheJournal) {
  const StoreImage image = StoreImage::Of(**centre.store->Begin()).value();
  const auto files = centre.journal.files();
  int old = 0;
  bool crashed = true;
  for (std::uint64_t step = 1; crashed; ++step) {
    SCOPED_TRACE(step);
    StartFrom(image, files, step);
    centre.journal.CrashAtStep(step);
    const Result<MergeFacts> merged = centre.operators->Merge(centre.admin, *request_);
    crashed = centre.journal.crashed();
    Reboot();
    const bool is_merged = IsMerged();
    EXPECT_TRUE(is_merged || !merged.ok()) << "what was acknowledged is there";
    old += is_merged ? 0 : 1;
  }
  EXPECT_GT(old, 0) << "what the journal did not take is not there";
}

TEST_F(MergeFaultTest, AJournalThatFailsKeepsTheMergeOut) {
  centre.journal.CrashAtStep(1);
  const Result<MergeFacts> merged = centre.operators->Merge(centre.admin, *request_);
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.error().code(), ErrorCode::kUnavailable);
  EXPECT_FALSE(centre.keys->GetTenant(centre.admin, "edge").ok()) << "nothing of it is in memory either";
  ExpectWorks(centre, centre);
  Reboot();
  // A torn record in the journal was never a commit; a whole one that the store did not take is taken now.
  IsMerged();
  ASSERT_TRUE(centre.operators->Merge(centre.admin, *request_).ok());
  EXPECT_TRUE(IsMerged());
}

TEST_F(MergeFaultTest, AFullDiskKeepsTheMergeOutAndTheServiceUp) {
  vfs_.LimitBytes(vfs_.TotalBytes() + 4096);
  const Result<MergeFacts> merged = centre.operators->Merge(centre.admin, *request_);
  ASSERT_FALSE(merged.ok());
  EXPECT_EQ(merged.error().code(), ErrorCode::kUnavailable) << merged.error().ToString();
  vfs_.LimitBytes(0);
  EXPECT_FALSE(IsMerged());
  centre.Work();
  ASSERT_TRUE(centre.operators->Merge(centre.admin, *request_).ok());
  ExpectWorks(centre, edge);
  ExpectWorks(centre, centre);
}

}  // namespace
}  // namespace coffer::keysvc
