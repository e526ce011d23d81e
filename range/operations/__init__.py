"""One verb a file, one public function each, ports passed in. Operations never call each other."""
