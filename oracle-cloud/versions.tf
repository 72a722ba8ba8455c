terraform {
  # Validations that read a second object, such as a file of this folder, need 1.9.
  required_version = ">= 1.9.0, < 2.0.0"

  required_providers {
    oci = {
      source = "oracle/oci"
      # Exact: a newer provider is tried on purpose, by changing this line, never by chance.
      version = "8.23.0"
    }
  }
}
