"""What a model says when it refuses a request, whoever runs its network: a TensorFlow graph, or NumPy and ONNX Runtime.

Words in `{braces}` are filled in when the model is made, `{{}}` with what came.
"""

REQUEST_SHAPE = "Expected {name} for every picture of image_bytes: {{}} pictures. Got: {{}}."
REGION_MASKS = (
    "Expected one mask per region and at least one region. {name} has {{}} regions, region_masks {{}}. An empty mask "
    "means everywhere."
)
REGIONS = "Expected at most {max_regions} regions a picture. Got: {{}}. Join those of one style."
REQUEST_FORMAT = "Expected format jpeg or png. Got {{}} bytes of something else."  # which may be no text
REQUEST_PIXELS = (
    "Expected at most {max_pixels} pixels in all pictures of a request together. Got {{}} or more in {{}} pictures: "
    "send them in several requests."
)
PHOTO_CHANNELS = "Expected image of 3 channels, RGB. Got: {{}}."
PHOTO_SMALL = "Expected {name} of at least {min_side} x {min_side} pixels. Got {{}} x {{}} (height x width)."
PHOTO_LARGE = (
    "Expected {name} of at most {max_pixels} pixels. Got {{}} x {{}} (height x width): send it no larger than {{}} x "
    "{{}}."
)
PICTURE_FORMAT = "Expected a JPEG or PNG in {name}. Got {{}} bytes of something else."
STYLE_IMAGE_SMALL = (
    "Expected a style image of at least {min_side} x {min_side} pixels in {name}. Got {{}} x {{}} (height x width): "
    "smaller ones hold no texture."
)
STYLE_IMAGE_ASPECT = (
    "Expected a style image at most {max_aspect} times as long as wide in {name}. Got {{}} x {{}} (height x width): "
    "cut a part out of it."
)
VECTORS_SIZE = (
    "Expected style_vectors of {size} numbers each, as this model's are. Got: {{}}. A vector is for the network that "
    "predicted or learned it: make it again with this model."
)
VECTORS_RANGE = "Expected style_vectors of finite numbers. Got {{}} that are not finite."
WEIGHTS_SHAPE = "Expected {name} of shape {form} that goes with the photos, {{}} before N. Got: {{}}."
WEIGHTS_COLUMNS = (
    "Expected at most {count} style columns in {name}, one per style of this model. Got: {{}}. Describe the model "
    "again."
)
WEIGHTS_RANGE = "Expected {name} that are finite and not negative. Got a smallest of {{}}, a largest of {{}}."
MASK_SIZE = "Expected a mask as large as the picture, {{}} ({axes}). Got: {{}}."
FRACTION = "Expected {name} in 0..1. Got a smallest of {{}}, a largest of {{}}."
LENGTH = "Expected {name} for every picture, {{}}. Got: {{}}."
