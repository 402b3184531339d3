#include "bench/bench_store.h"

#include "crypto/note_key.h"
#include "crypto/random.h"
#include "io/append_file.h"
#include "io/directory.h"
#include "keysvc/service/barrier.h"
#include "keysvc/store/sqlite_store.h"

namespace coffer::bench {
namespace {

class BenchStore {
 public:
  static Result<std::unique_ptr<BenchStore>> Open(const std::string& folder) {
    auto opened = std::make_unique<BenchStore>();
    COFFER_ASSIGN_OR_RETURN(opened->store_, keysvc::SqliteStore::Open({.path = folder + "/store.db", .vfs = {}}));
    COFFER_TRY(MakeDirectory(folder + "/journal", 0700));
    opened->journal_ = DiskFolder(folder + "/journal", keysvc::kMaxJournalBytes);
    COFFER_ASSIGN_OR_RETURN(opened->barrier_,
                            keysvc::Barrier::Open(*opened->store_, opened->clock_,
                                                  {.tools = {}, .keys = {}, .journal_folder = opened->journal_.get()}));
    return opened;
  }
  keysvc::Barrier& barrier() { return *barrier_; }
  const Clock& clock() const { return clock_; }

 private:
  SystemClock clock_;
  std::unique_ptr<keysvc::KeyStore> store_;
  std::unique_ptr<AppendFolder> journal_;
  std::unique_ptr<keysvc::Barrier> barrier_;
};

keysvc::KeyFileSeal KeyFile(const std::string& folder) {
  return {.path = folder + "/seal.key", .allow_same_device = true};
}

// A policy has to name two administrators. Nobody keeps the keys of these.
Result<std::string> PolicyOf(const std::string& grants) {
  std::string text = "serial = 1\nadmin_signatures = 2\n";
  for (const std::string name : {"alice", "bob"}) {
    COFFER_ASSIGN_OR_RETURN(Ed25519PrivateKey key, Ed25519PrivateKey::FromSeed(RandomSecret(32)));
    COFFER_ASSIGN_OR_RETURN(const NoteSigner signer, NoteSigner::Create(name, std::move(key)));
    text += "[person." + name + "]\nkey = \"" + signer.verifier().ToText() +
            "\"\nprincipals = [\"spiffe://example.org/role/admin/" + name + "\"]\n";
  }
  return text + grants;
}

}  // namespace

Status MakeBenchStore(const std::string& folder, const std::string& catalog, const std::string& grants) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<BenchStore> store, BenchStore::Open(folder));
  COFFER_TRY(store->barrier().Init(KeyFile(folder), std::nullopt));
  COFFER_ASSIGN_OR_RETURN(const auto unsealed, store->barrier().Enter());
  COFFER_TRY(unsealed->keys->CreateKeyring("bench"));
  COFFER_TRY(unsealed->keys->CreateKeyring("bench-index", KeyringPurpose::kIndex));
  COFFER_TRY(unsealed->catalogs->Apply(catalog, "", [](const policy::CatalogChange&) { return Status(); }));
  if (!grants.empty()) {
    COFFER_ASSIGN_OR_RETURN(const std::string policy, PolicyOf(grants));
    COFFER_TRY(unsealed->policies->Apply(policy, "", true, "unix:admin:0"));
  }
  return {};
}

Result<std::int64_t> RekeyBenchStore(const std::string& folder) {
  COFFER_ASSIGN_OR_RETURN(const std::unique_ptr<BenchStore> store, BenchStore::Open(folder));
  COFFER_TRY(store->barrier().Unseal(KeyFile(folder)));
  std::vector<keysvc::NewSeal> seals;
  seals.emplace_back(keysvc::KeyFileSeal{.path = folder + "/seal.key.new", .allow_same_device = true});
  const std::int64_t start = store->clock().MonotonicMicros();
  COFFER_TRY(store->barrier().Rekey(seals));
  return store->clock().MonotonicMicros() - start;
}

}  // namespace coffer::bench
