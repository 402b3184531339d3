// Two instances over one store that fails: commits are lost, or happen and say that they did not. Both make the same
// tenants' keys at once; every ciphertext that either acknowledged decrypts by both.
#include <random>

#include <gtest/gtest.h>

#include "keysvc/service/barrier.h"
#include "keysvc/store/memory_store.h"
#include "tests/support/sanitized.h"
#include "tests/support/temp_dir.h"

namespace coffer::keysvc {
namespace {

constexpr std::uint64_t kSeeds = kSanitized ? 500 : 10'000;
constexpr int kSteps = 12;

// A store some of whose commits fail: before they happen, or after.
class FlakyStore final : public KeyStore {
 public:
  FlakyStore(KeyStore& store, std::mt19937_64& random) : store_(store), random_(random) {}
  Result<std::unique_ptr<StoreTransaction>> Begin() override {
    COFFER_ASSIGN_OR_RETURN(std::unique_ptr<StoreTransaction> transaction, store_.Begin());
    return std::unique_ptr<StoreTransaction>(std::make_unique<Transaction>(std::move(transaction), random_, failing));
  }
  Status PurgeErased() override { return store_.PurgeErased(); }

  bool failing = false;

 private:
  class Transaction final : public StoreTransaction {
   public:
    Transaction(std::unique_ptr<StoreTransaction> inner, std::mt19937_64& random, bool failing)
        : inner_(std::move(inner)), random_(random), failing_(failing) {}
    Result<std::optional<StoredRow>> Get(Table table, const Row& key) override { return inner_->Get(table, key); }
    Result<std::vector<StoredRow>> Scan(const ScanRequest& request) override { return inner_->Scan(request); }
    Status Insert(Table table, const StoredRow& row) override { return inner_->Insert(table, row); }
    Status Update(Table table, const StoredRow& row) override { return inner_->Update(table, row); }
    Status Erase(Table table, const Row& key) override { return inner_->Erase(table, key); }
    Status ForEachMac(const std::function<void(Table, const Row&, const Digest&)>& visit) override {
      return inner_->ForEachMac(visit);
    }
    Result<std::optional<StoredHead>> GetHead() override { return inner_->GetHead(); }
    Status PutHead(const StoredHead& head) override { return inner_->PutHead(head); }
    Status Commit() override {
      const std::uint64_t fate = failing_ ? random_() % 4 : 3;
      const Error lost(ErrorCode::kUnavailable, "the commit's answer was lost");
      if (fate == 0) {
        inner_.reset();
        return lost;
      }
      const Status committed = inner_->Commit();
      return fate == 1 ? Status(lost) : committed;
    }

   private:
    std::unique_ptr<StoreTransaction> inner_;
    std::mt19937_64& random_;
    const bool failing_;
  };

  KeyStore& store_;
  std::mt19937_64& random_;
};

struct Sealed {
  TenantUuid tenant;
  FieldPlaceAndForm place;
  KeyId key;
  Bytes ciphertext;
};

class TwoInstances {
 public:
  TwoInstances(std::uint64_t seed, const std::string& key_file) : random_(seed) {
    const KeyFileSeal seal{.path = key_file, .allow_same_device = true};
    barriers_[0] = Barrier::Open(flaky_, clock_, {}).value();
    COFFER_CHECK(barriers_[0]->Init(seal, std::nullopt).ok());
    COFFER_CHECK(Engine(0).CreateKeyring("shop").ok());
    barriers_[1] = Barrier::Open(flaky_, clock_, {}).value();
    COFFER_CHECK(barriers_[1]->Unseal(seal).ok());
    for (int i = 0; i < 3; ++i) {
      const Result<Tenant> tenant = Engine(0).CreateTenant("tenant-" + std::to_string(i));
      COFFER_CHECK(tenant.ok());
      tenants_.push_back(tenant->uuid);
    }
  }

  // What went wrong; empty: nothing.
  std::string Run() {
    flaky_.failing = true;
    for (int step = 0; step < kSteps; ++step) {
      const std::size_t instance = random_() % 2;
      if (random_() % 5 == 0) {
        static_cast<void>(Engine(instance).RotateKeyring("shop", {}));
      } else {
        Encrypt(instance);
      }
    }
    flaky_.failing = false;
    for (const Sealed& sealed : sealed_) {
      for (std::size_t instance : {0U, 1U}) {
        if (!Engine(instance).Refresh().ok()) return "does not refresh";
        const Result<DecryptLookup> found = Engine(instance).CipherForDecrypt(sealed.place, sealed.key);
        if (!found.ok() || found->outcome != DecryptLookup::Outcome::kFound) return "a key is not there";
        if (!found->cipher->Decrypt(sealed.ciphertext, {.row = {}, .context = {}}).ok()) return "does not decrypt";
      }
    }
    return "";
  }
  std::size_t acknowledged() const { return sealed_.size(); }

 private:
  KeyEngine& Engine(std::size_t instance) { return *barriers_[instance]->Enter().value()->keys; }

  void Encrypt(std::size_t instance) {
    Sealed sealed;
    sealed.tenant = tenants_[random_() % tenants_.size()];
    sealed.place = {
        .keyring = "shop",
        .place = {.scope = {}, .tenant = sealed.tenant, .field = {}},
        .form = {.suite = Suite::kXaes256Gcm, .pad_multiple = 0, .row_bound = false, .context_bound = false}};
    const Result<CipherPointer> cipher = Engine(instance).CipherForEncrypt(sealed.place);
    if (!cipher.ok()) return;
    sealed.key = (*cipher)->key_id();
    sealed.ciphertext.resize(sealed.place.form.CiphertextSize(5));
    COFFER_CHECK((*cipher)->Encrypt(AsBytes("value"), {.row = {}, .context = {}}, sealed.ciphertext).ok());
    sealed_.push_back(std::move(sealed));
  }

  std::mt19937_64 random_;
  MemoryStore memory_;
  FlakyStore flaky_{memory_, random_};
  FakeClock clock_;
  std::unique_ptr<Barrier> barriers_[2];
  std::vector<TenantUuid> tenants_;
  std::vector<Sealed> sealed_;
};

TEST(InstancesSimTest, TwoInstancesThatMakeTheSameKeysAtOnceLoseNoCiphertext) {
  const TempDir folder;
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const std::string key_file = folder / std::to_string(seed);
    TwoInstances instances(seed, key_file);
    ASSERT_EQ(instances.Run(), "") << "seed " << seed;
    acknowledged += instances.acknowledged();
    unlink(key_file.c_str());
  }
  EXPECT_GT(acknowledged, kSeeds * 3);
}

}  // namespace
}  // namespace coffer::keysvc
