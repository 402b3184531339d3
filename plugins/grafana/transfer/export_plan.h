// ExportPlan: what becomes of each cell of a Grafana database when the vault's values are written into it.
#pragma once

#include "plugins/grafana/transfer/export_database.h"

namespace coffer::grafana {

// Not thread-safe.
class ExportPlan {
 public:
  // All must outlive it. Only with keys that open the database.
  ExportPlan(const CredentialRows& rows, const CredentialKeys& keys, const SecretBytes& secret_key,
             const DatabaseExportOptions& options)
      : rows_(rows), keys_(keys), secret_key_(secret_key), options_(options) {}

  // Opens everything and asks the vault. Errors: the vault's.
  Status Make(const ExportVault& vault);
  const ExportReport& report() const { return report_; }

  // Only without a refusal. kInternal: a value does not come back from its encryption.
  Result<std::vector<RowChange>> MakeChanges() const;

  // Whether `after`, read when the changes were written, is what should be there. kInternal: it is not.
  Status CheckWritten(const CredentialRows& after) const;

 private:
  struct Planned {
    Credential credential;
    std::optional<SecretBytes> next;  // its new value
    TransferOutcome outcome = TransferOutcome::kUnchanged;
    bool clears = false;
  };
  struct NewValue {
    const CredentialSite* site = nullptr;
    const SecretBytes* value = nullptr;
  };

  Status Decide(MetadataVault& vault, Planned& each) const;
  bool MayTake(const Credential& credential, const SecretMetadata& origin) const;
  Status AddMissing(const ExportVault& vault);
  void Report();
  bool CanEncrypt(const Credential& credential) const;
  // The id of the data key for a new value, empty for secret_key itself; nothing when there is none.
  std::optional<std::string> KeyFor(const SecretBlob& old) const;
  Result<Bytes> Encrypt(const SecretBlob& old, const SecretBytes& value) const;
  Result<Bytes> NewBlob(const NewValue& each) const;
  Result<Bytes> NewCell(std::size_t column, ByteView cell, const std::vector<NewValue>& values) const;
  Result<SecretBytes> NewCopy(const CredentialSite& site, const std::vector<NewValue>& values) const;

  const CredentialRows& rows_;
  const CredentialKeys& keys_;
  const SecretBytes& secret_key_;
  const DatabaseExportOptions& options_;
  std::vector<Planned> plan_;
  ExportReport report_;
};

}  // namespace coffer::grafana
