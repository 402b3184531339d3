#include "tests/sim/service_sim.h"

#include "io/directory.h"
#include "tests/keysvc/service/approved_services.h"

namespace coffer::sim {
namespace {

using keysvc::Caller;
using policy::Role;

constexpr char kCatalog[] =
    "scope = \"shop\"\n[field.\"user.email\"]\nclass = \"pii\"\nkeyring = \"shop\"\nrow = \"int64\"\n";
constexpr int kOperations = 20;
constexpr std::uint64_t kLongestLife = 260;  // disk steps; some lives end without a cut
constexpr std::uint64_t kLongestJournalLife = 40;

Caller AppCaller() {
  return {.principal = {.id = "sim", .role = Role::kApp, .method = policy::Principal::Method::kUnixSocket},
          .local = true};
}

}  // namespace

struct ServiceSim::Service {
  std::unique_ptr<keysvc::SqliteStore> store;
  std::unique_ptr<keysvc::Barrier> barrier;
  std::unique_ptr<keysvc::Pipeline> pipeline;
  std::unique_ptr<keysvc::FieldService> fields;
  std::unique_ptr<keysvc::OperatorService> plain_operators;
  std::unique_ptr<keysvc::Approver> approver;
  std::unique_ptr<keysvc::ApprovedKeyService> keys;
  std::unique_ptr<keysvc::ApprovedSecretService> secrets;
  std::unique_ptr<keysvc::ApprovedAdminService> admin;
  std::unique_ptr<keysvc::ApprovedOperatorService> operators;
  const Caller app = AppCaller();
  const Caller administrator = keysvc::People().alice.AsCaller();
};

ServiceSim::ServiceSim(std::uint64_t seed, const std::string& key_folder)
    : seed_(seed),
      key_prefix_(key_folder + "/" + std::to_string(seed) + "-"),
      key_file_(key_prefix_ + "0.key"),
      random_(seed),
      disk_(seed),
      journal_disk_(seed) {}

ServiceSim::~ServiceSim() { Stop(); }

std::uint64_t ServiceSim::Below(std::uint64_t limit) {
  return std::uniform_int_distribution<std::uint64_t>(0, limit - 1)(random_);
}

std::string ServiceSim::Broken(const std::string& what) const { return "seed " + std::to_string(seed_) + ": " + what; }

bool ServiceSim::Start() {
  auto service = std::make_unique<Service>();
  auto store = keysvc::SqliteStore::Open({.path = "store.db", .vfs = disk_.name()});
  if (!store.ok()) return false;
  service->store = std::move(store).value();
  auto barrier = keysvc::Barrier::Open(
      *service->store, clock_,
      {.tools = {}, .keys = {.cipher_cache = 64, .destroy_delay_us = 0}, .journal_folder = &journal_disk_});
  if (!barrier.ok()) return false;
  service->barrier = std::move(barrier).value();
  service->pipeline = std::make_unique<keysvc::Pipeline>(
      *service->barrier, keysvc::Immediately([](const keysvc::CallRecord&) { return Status(); }));
  service->fields = std::make_unique<keysvc::FieldService>(*service->pipeline, clock_, *service->barrier);
  service->plain_operators = std::make_unique<keysvc::OperatorService>(*service->pipeline, clock_);
  service->approver =
      std::make_unique<keysvc::Approver>(*service->pipeline, *service->plain_operators, *service->barrier);
  service->keys = std::make_unique<keysvc::ApprovedKeyService>(*service->pipeline, *service->approver);
  service->secrets = std::make_unique<keysvc::ApprovedSecretService>(*service->pipeline, clock_, *service->approver);
  service->admin = std::make_unique<keysvc::ApprovedAdminService>(
      *service->pipeline, keysvc::AdminService::Options{.started_us = 0, .memory_locked = false, .key_file = key_file_},
      *service->approver);
  service->operators =
      std::make_unique<keysvc::ApprovedOperatorService>(*service->pipeline, clock_, *service->approver);
  service_ = std::move(service);
  return true;
}

void ServiceSim::Stop() { service_.reset(); }

bool ServiceSim::Prepare() {
  const keysvc::KeyFileSeal seal{.path = key_file_, .allow_same_device = true};
  if (service_->barrier->state() == keysvc::BarrierState::kUninitialised) {
    if (!RemoveTree(key_file_).ok()) return false;  // of an init that a cut ended
    if (!service_->operators->Init(service_->administrator, seal, {}, true).ok()) return false;
    initialised_ = true;
  } else if (!Unseal()) {
    return false;
  }
  const auto shop = service_->keys->GetKeyring(service_->administrator, "shop");
  // A rotation whose answer was lost may have happened.
  primary_ = std::max(primary_, shop.ok() ? shop->keyring.primary.value : 1);
  if (prepared_) return true;
  if (!shop.ok() && !service_->keys->CreateKeyring(service_->administrator, "shop").ok()) {
    return false;
  }
  if (service_->admin->ShowCatalog(service_->administrator, "shop").ok()) return prepared_ = true;
  prepared_ = service_->admin->Apply(service_->administrator, kCatalog, "").ok();
  return prepared_;
}

// By the key file that is known to open it, or by that of a rekey whose outcome was not known.
bool ServiceSim::Unseal() {
  const auto with = [&](const std::string& path) {
    const keysvc::KeyFileSeal seal{.path = path, .allow_same_device = true};
    return service_->admin->Unseal(service_->administrator, keysvc::SealSource(seal)).ok();
  };
  key_files_.insert(key_file_);
  for (const std::string& path : key_files_) {
    if (!with(path)) continue;
    key_file_ = path;
    key_files_.clear();
    return true;
  }
  return false;
}

void ServiceSim::PutSecret() {
  const std::string path = "p/" + std::to_string(Below(3));
  const std::string value = "value-" + std::to_string(random_()) + std::string(Below(3000), 'x');
  const auto put = service_->secrets->Put(service_->app, {.name = {.tenant = "", .path = path},
                                                          .value = AsBytes(value),
                                                          .expected_version = std::nullopt,
                                                          .expires_us = 0,
                                                          .metadata = std::nullopt});
  if (!put.ok()) return;
  secrets_[{path, put->version.value}] = {.value = value, .presence = Presence::kLive};
  Acknowledge();
}

void ServiceSim::ToggleSecret() {
  if (secrets_.empty()) return;
  auto chosen = secrets_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(Below(secrets_.size())));
  const keysvc::SecretName name{.tenant = "", .path = chosen->first.first};
  const std::vector<keysvc::SecretVersion> versions{keysvc::SecretVersion{chosen->first.second}};
  StoredVersion& stored = chosen->second;
  if (stored.presence == Presence::kDestroyed) return;
  const bool hide = stored.presence == Presence::kLive;
  const auto changed = hide ? service_->secrets->Delete(service_->app, name, versions)
                            : service_->secrets->Undelete(service_->app, name, versions);
  // Nothing was committed: a change before it whose outcome is unknown may still come, from the journal at the next
  // start.
  if (changed.ok() && *changed == 0) return;
  stored.presence = !changed.ok() ? Presence::kUnknown : hide ? Presence::kDeleted : Presence::kLive;
  if (changed.ok()) Acknowledge();
}

void ServiceSim::EncryptField() {
  Encrypted made{.row = static_cast<std::int64_t>(Below(1000)),
                 .plaintext = "mail-" + std::to_string(random_()),
                 .ciphertext = {}};
  keysvc::FieldColumn column{.field = "shop.user.email",
                             .tenant = "",
                             .values = {AsBytes(made.plaintext)},
                             .row_parts = {made.row},
                             .row_width = 1,
                             .contexts = {}};
  std::string tenant;
  if (!tenants_.empty() && Below(2) == 0) tenant = tenants_.begin()->first;
  column.tenant = tenant;
  auto output = service_->fields->Encrypt(service_->app, {column});
  if (!output.ok()) return;
  Acknowledge();
  if (!tenant.empty())
    return;  // the key of another tenant: it was durable before use, which the first tenant's values show too
  made.ciphertext = std::move(output->columns.front().values.front());
  made.version = primary_;
  fields_.push_back(std::move(made));
}

void ServiceSim::Rotate() {
  const auto rotated = service_->keys->RotateKeyring(service_->administrator, "shop", {});
  if (!rotated.ok()) return;
  primary_ = rotated->keyring.primary.value;
  Acknowledge();
}

void ServiceSim::AddTenant() {
  const std::string name = "t" + std::to_string(random_());
  const auto tenant = service_->keys->CreateTenant(service_->administrator, name);
  if (!tenant.ok()) return;
  tenants_[name] = tenant->uuid.ToText();
  Acknowledge();
}

void ServiceSim::DestroySecret() {
  if (secrets_.empty()) return;
  auto chosen = secrets_.begin();
  std::advance(chosen, static_cast<std::ptrdiff_t>(Below(secrets_.size())));
  const auto destroyed =
      service_->secrets->Destroy(service_->administrator, {.tenant = "", .path = chosen->first.first},
                                 {keysvc::SecretVersion{chosen->first.second}});
  chosen->second.presence = destroyed.ok() ? Presence::kDestroyed : Presence::kUnknown;
  if (!destroyed.ok()) return;
  ++destroyed_;
  Acknowledge();
}

// The oldest version that is not destroyed and not the primary one. Values under it are gone with it.
void ServiceSim::DestroyVersion() {
  std::uint32_t version = 1;
  while (destroyed_versions_.contains(version)) ++version;
  if (version >= primary_) return;
  const auto scheduled = service_->keys->ScheduleDestroy(
      service_->administrator,
      {.name = "shop", .version = KeyVersion{version}, .reason = "a simulation", .delay_us = 0, .no_sources = true});
  // From here on it may be gone, whatever the answer was.
  std::erase_if(fields_, [&](const Encrypted& made) {
    if (made.version != version) return false;
    doomed_.push_back(made);
    return true;
  });
  if (!scheduled.ok()) return;
  clock_.Advance(1);
  const auto unsealed = service_->barrier->Enter();
  if (!unsealed.ok()) return;
  const keysvc::DueReport report = (*unsealed)->keys->DestroyDue(clock_.UnixMicros());
  if (report.done.empty()) return;
  destroyed_versions_.insert(version);
  for (const Encrypted& made : doomed_) {
    if (made.version == version) gone_.push_back(made);
  }
  std::erase_if(doomed_, [&](const Encrypted& made) { return made.version == version; });
  ++destroyed_;
  Acknowledge();
}

void ServiceSim::Rekey() {
  const std::string path = key_prefix_ + std::to_string(random_()) + ".key";
  std::vector<keysvc::NewSeal> seals;
  seals.emplace_back(keysvc::KeyFileSeal{.path = path, .allow_same_device = true});
  const bool rekeyed = service_->operators->Rekey(service_->administrator, seals).ok();
  key_files_.insert(path);
  if (!rekeyed) return;
  key_file_ = path;
  Acknowledge();
}

void ServiceSim::Work() {
  for (int i = 0; i < kOperations && !disk_.crashed(); ++i) {
    clock_.Advance(1000);
    if (!copy_ && Below(kOperations) == 0) {
      const auto transaction = service_->store->Begin();
      if (transaction.ok()) {
        auto image = keysvc::StoreImage::Of(**transaction);
        if (image.ok()) {
          copy_ = std::move(image).value();
          journal_copy_ = journal_disk_.files();
        }
      }
    }
    switch (Below(40)) {
      case 32:
      case 33:
      case 34:
        DestroySecret();
        continue;
      case 35:
      case 36:
        DestroyVersion();
        continue;
      case 37:
        Rekey();
        continue;
      default:
        break;
    }
    switch (Below(8)) {
      case 0:
        Rotate();
        break;
      case 1:
        AddTenant();
        break;
      case 2:
        ToggleSecret();
        break;
      case 3:
      case 4:
        EncryptField();
        break;
      default:
        PutSecret();
        break;
    }
  }
}

std::string ServiceSim::CheckSecrets() {
  if (forget_ && !secrets_.empty()) secrets_.begin()->second.value += "-never-written";
  for (const auto& [key, stored] : secrets_) {
    const auto got =
        service_->secrets->Get(service_->app, {.tenant = "", .path = key.first}, keysvc::SecretVersion{key.second});
    if (stored.presence == Presence::kDeleted && got.ok())
      return Broken("a version whose deletion was acknowledged is readable");
    if (stored.presence == Presence::kDestroyed && (got.ok() || revive_))
      return Broken("a version whose destruction was acknowledged is readable");
    if (stored.presence != Presence::kLive) continue;
    if (!got.ok()) return Broken("an acknowledged secret is not there: " + got.error().ToString());
    if (AsText(got->value.Expose(SecretAccess::kTest)) != stored.value)
      return Broken("an acknowledged secret has another value");
  }
  return "";
}

std::string ServiceSim::CheckFields() {
  for (const Encrypted& made : fields_) {
    const keysvc::FieldColumn column{.field = "shop.user.email",
                                     .tenant = "",
                                     .values = {AsBytes(made.ciphertext)},
                                     .row_parts = {made.row},
                                     .row_width = 1,
                                     .contexts = {}};
    const auto output = service_->fields->Decrypt(service_->app, {column});
    if (!output.ok()) return Broken("decrypting failed: " + output.error().ToString());
    if (output->columns.front().values.front() != made.plaintext)
      return Broken("an acknowledged ciphertext of version " + std::to_string(made.version) + " does not decrypt");
  }
  for (const Encrypted& made : gone_) {
    const keysvc::FieldColumn column{.field = "shop.user.email",
                                     .tenant = "",
                                     .values = {AsBytes(made.ciphertext)},
                                     .row_parts = {made.row},
                                     .row_width = 1,
                                     .contexts = {}};
    const auto output = service_->fields->Decrypt(service_->app, {column});
    if (!output.ok() || !output->columns.front().values.front().empty())
      return Broken("a value of a destroyed version decrypts");
  }
  return "";
}

std::string ServiceSim::Check() {
  if (initialised_ && service_->barrier->state() == keysvc::BarrierState::kUninitialised)
    return Broken("an acknowledged init is gone");
  const std::uint32_t acknowledged_primary = primary_;
  if (!Prepare()) return Broken("the service does not come back");
  const auto keyring = service_->keys->GetKeyring(service_->administrator, "shop");
  if (!keyring.ok() || keyring->keyring.primary.value < acknowledged_primary)
    return Broken("an acknowledged rotation is gone");
  for (const auto& [name, uuid] : tenants_) {
    const auto resolved = service_->barrier->Enter().value()->keys->ResolveTenant(name);
    if (!resolved.ok() || resolved->ToText() != uuid) return Broken("an acknowledged tenant is gone");
  }
  const std::string secrets = CheckSecrets();
  return secrets.empty() ? CheckFields() : secrets;
}

std::string ServiceSim::CheckServesNothing() {
  const keysvc::FieldColumn column{.field = "shop.user.email",
                                   .tenant = "",
                                   .values = {AsBytes(key_prefix_)},
                                   .row_parts = {std::int64_t{1}},
                                   .row_width = 1,
                                   .contexts = {}};
  const bool served = service_->fields->Encrypt(service_->app, {column}).ok() ||
                      service_->secrets->List(service_->app, "", "", 10, "").ok() ||
                      service_->keys->CreateTenant(service_->administrator, "never").ok();
  return served ? Broken("a rolled-back store serves") : "";
}

// Somebody puts the copy back, before the next boot. Then it is refused, and recovered.
std::string ServiceSim::Return() {
  auto store = keysvc::SqliteStore::Open({.path = "store.db", .vfs = disk_.name()});
  if (!store.ok()) return Broken("the store does not open after the cut");
  std::uint64_t present = 0;
  {
    const auto transaction = (*store)->Begin();
    if (!transaction.ok()) return Broken("the store does not begin");
    const auto head = (*transaction)->GetHead();
    if (head.ok() && *head) present = (*head)->epoch.value;
  }
  // A commit that replaces the journal is acknowledged when the new one has its name; until then the old one is right.
  const auto journal = keysvc::KeyJournal::Open(journal_disk_, std::nullopt);
  if (journal.ok() && *journal != nullptr) present = std::min(present, (*journal)->last().head.epoch.value);
  if (copy_->head().epoch.value + 2 > present) return "";
  if (!copy_->WriteTo(**store).ok()) return Broken("the copy cannot be put back");
  if (collude_) journal_disk_.files() = journal_copy_;
  store->reset();
  was_put_back_ = true;
  if (!Start()) return Broken("the store does not open after it was put back");
  Unseal();
  // One from before a rekey does not even open.
  if (service_->barrier->state() == keysvc::BarrierState::kUnsealed) return Broken("an old store is not refused");
  if (std::string served = CheckServesNothing(); !served.empty()) return served;
  std::string why;
  const auto recover = [&](const std::string& path) {
    keysvc::OperatorService::RecoverRequest request;
    request.source = keysvc::KeyFileSeal{.path = path, .allow_same_device = true};
    request.apply = true;
    request.reason = "a simulation";
    const auto recovered = service_->operators->Recover(service_->administrator, request);
    if (!recovered.ok()) why += recovered.error().ToString() + "; ";
    return recovered.ok();
  };
  key_files_.insert(key_file_);
  if (std::none_of(key_files_.begin(), key_files_.end(), recover))
    return Broken("an old store is not recovered: " + why);
  Stop();
  return "";
}

void ServiceSim::Life() {
  if (Below(2) == 0) {
    disk_.CrashAtStep(1 + Below(kLongestLife));
  } else {
    journal_disk_.CrashAtStep(1 + Below(kLongestJournalLife));
  }
  // And a write, or a sync, that fails in between while the power stays.
  if (Below(2) == 0) journal_disk_.FailAtStep(1 + Below(kLongestJournalLife));
  if (Start() && Prepare()) Work();
  crashed_midway_ = crashed_midway_ || disk_.crashed() || journal_disk_.crashed();
  Stop();
  disk_.CrashAtStep(0);
  disk_.Reboot();
  journal_disk_.Reboot();
}

std::string ServiceSim::Run() {
  const std::uint64_t boots = 1 + Below(3);
  for (std::uint64_t boot = 0; boot < boots; ++boot) {
    Life();
    if (copy_ && initialised_ && Below(2) == 0) {
      std::string broken = Return();
      Stop();
      if (!broken.empty()) return broken;
    }
    if (!Start()) return Broken("the store does not open after the cut");
    std::string broken = Check();
    Stop();
    if (!broken.empty()) return broken;
  }
  return "";
}

}  // namespace coffer::sim
