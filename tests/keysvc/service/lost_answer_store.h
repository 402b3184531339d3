// LostAnswerStore: a store in memory whose commits happen or not, and say that they did not.
#pragma once

#include "crypto/derive.h"
#include "keysvc/store/authenticated_store.h"
#include "keysvc/store/memory_store.h"

namespace coffer::keysvc {

class LostAnswerStore final : public KeyStore {
 public:
  enum class Fate : std::uint8_t {
    kGood,
    kNotDone,     // commits fail
    kAnswerLost,  // commits happen, and say that they failed
    kGone,        // the same, and from then on nothing can be read
  };
  Fate fate = Fate::kGood;
  bool gone = false;

  Result<std::unique_ptr<StoreTransaction>> Begin() override {
    if (gone) return Lost();
    COFFER_ASSIGN_OR_RETURN(std::unique_ptr<StoreTransaction> transaction, store_.Begin());
    return std::unique_ptr<StoreTransaction>(std::make_unique<Transaction>(std::move(transaction), *this));
  }
  Status PurgeErased() override { return store_.PurgeErased(); }

 private:
  class Transaction final : public StoreTransaction {
   public:
    Transaction(std::unique_ptr<StoreTransaction> inner, LostAnswerStore& owner)
        : inner_(std::move(inner)), owner_(owner) {}
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
      if (owner_.fate == Fate::kNotDone) return Lost();
      COFFER_TRY(inner_->Commit());
      if (owner_.fate == Fate::kGood) return {};
      owner_.gone = owner_.fate == Fate::kGone;
      return Lost();
    }

   private:
    std::unique_ptr<StoreTransaction> inner_;
    LostAnswerStore& owner_;
  };

  static Error Lost() { return Error(ErrorCode::kUnavailable, "the store does not answer"); }

  MemoryStore store_;
};

// One that is formatted, and known.
struct LostAnswerFixture {
  LostAnswerFixture() {
    COFFER_CHECK(store.Format().ok());
    COFFER_CHECK(store.VerifyAll().ok());
  }

  LostAnswerStore beneath;
  const StoreUuid uuid = StoreUuid::Generate(1);
  AuthenticatedStore store{beneath, uuid, DeriveIntegrityKeys(SecretBytes::CopyOf(Bytes(32, std::byte{1})), uuid)};
};

}  // namespace coffer::keysvc
